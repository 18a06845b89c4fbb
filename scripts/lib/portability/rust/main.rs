//! Makes the calls of the conformance vectors: one JSON line in, one out.
use engagement::apis::{configuration::Configuration, domain_api, session_api, Error};
use engagement::models::{CreateSessionBody, ErrorAnswer, ServiceDomain, Session, UpdateSessionBody};
use serde::{de::DeserializeOwned, Deserialize, Serialize};
use serde_json::{json, Value};
use std::io::{stdin, BufRead};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call {
    base_url: String,
    operation: String,
    account_id: String,
    #[serde(default)]
    visitor_id: String,
    sid: Option<String>,
    #[serde(default)]
    service_name: String,
    #[serde(default)]
    body: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for line in stdin().lock().lines() {
        let call: Call = serde_json::from_str(&line.unwrap()).unwrap();
        let reply = perform(&call).await.unwrap_or_else(|failure| json!({"failure": failure}));
        println!("{reply}");
    }
}

async fn perform(call: &Call) -> Result<Value, String> {
    let configuration = Configuration { base_path: call.base_url.clone(), ..Configuration::default() };
    let (account, visitor) = (&call.account_id, &call.visitor_id);
    match call.operation.as_str() {
        "findDomain" => {
            answered(domain_api::find_domain(&configuration, account, &call.service_name, "1.0").await, domain)
        }
        "updateSession" => {
            let sid = call.sid.as_deref().unwrap_or_default();
            let body: UpdateSessionBody = read(&call.body)?;
            answered(session_api::update_session(&configuration, account, visitor, sid, "1.0", body).await, |_| json!({"status": 200}))
        }
        "createSession" => {
            let body: CreateSessionBody = read(&call.body)?;
            answered(session_api::create_session(&configuration, account, "1.0", body).await, session)
        }
        _ => {
            let (sid, body) = (call.sid.as_deref(), read(&call.body)?);
            answered(session_api::continue_session(&configuration, account, visitor, "1.0", body, sid).await, session)
        }
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn domain(found: ServiceDomain) -> Value {
    json!({"status": 200, "type": "ServiceDomain", "value": found})
}

fn session(session: Session) -> Value {
    match session {
        Session::AvailableSession(value) => json!({"status": 200, "type": "AvailableSession", "value": value}),
        Session::NotAvailableSession(value) => json!({"status": 200, "type": "NotAvailableSession", "value": value}),
    }
}

fn answered<T, E: Serialize>(outcome: Result<T, Error<E>>, shown: fn(T) -> Value) -> Result<Value, String> {
    match outcome {
        Ok(value) => Ok(shown(value)),
        Err(Error::ResponseError(answer)) => {
            let status = answer.status.as_u16();
            // Each operation has an error type of its own; they hold the same entity.
            let entity = answer.entity.and_then(|entity| serde_json::to_value(entity).ok());
            Ok(match entity.and_then(|entity| serde_json::from_value::<ErrorAnswer>(entity).ok()) {
                Some(ErrorAnswer::ErrorEntity(value)) => json!({"status": status, "type": "ErrorEntity", "value": value}),
                Some(ErrorAnswer::WrappedErrorEntity(value)) => {
                    json!({"status": status, "type": "WrappedErrorEntity", "value": value})
                }
                None => json!({"status": status}),
            })
        }
        Err(error) => Err(error.to_string()),
    }
}
