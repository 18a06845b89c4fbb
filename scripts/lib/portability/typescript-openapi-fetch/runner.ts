import createClient from "openapi-fetch";
import { fetchDigits, read, write } from "./digits.js";
import type { paths } from "./engagement.js";
import { type Call, type Reply, serve } from "./serve.js";
import type { CreateSessionBody, ErrorAnswer, Session, UpdateSessionBody } from "./types.js";

async function perform(call: Call): Promise<Reply> {
  const { baseUrl, accountId, visitorId, sid, serviceName } = call;
  const client = createClient<paths>({ baseUrl, fetch: fetchDigits, bodySerializer: write });
  const first = "/api/account/{accountId}/app/engagement/visitors/";
  const later = "/api/account/{accountId}/app/engagement/visitors/{visitorId}";
  if (call.operation === "findDomain") {
    const { data, error, response } = await client.GET("/api/account/{accountId}/service/{serviceName}/baseURI.json", {
      params: { path: { accountId, serviceName }, query: { version: "1.0" } },
    });
    return data ? { status: response.status, type: "ServiceDomain", value: data } : failed(response, error);
  }
  if (call.operation === "updateSession") {
    const body = read(call.body) as UpdateSessionBody;
    const params = { path: { accountId, visitorId }, query: { v: "1.0", sid } } as const;
    // The answer is empty, or an empty object: nothing to parse.
    const { error, response } = await client.PUT(later, { params, body, parseAs: "text" });
    return response.ok ? { status: response.status } : failed(response, error);
  }
  const body = read(call.body) as CreateSessionBody;
  const { data, error, response } =
    call.operation === "createSession"
      ? await client.POST(first, { params: { path: { accountId }, query: { v: "1.0" } }, body })
      : await client.POST(later, { params: { path: { accountId, visitorId }, query: { v: "1.0", sid } }, body });
  return data ? answered(response, data) : failed(response, error);
}

function answered({ status }: Response, session: Session): Reply {
  switch (session.status) {
    case "Available":
      return { status, type: "AvailableSession", value: { ...session, engagementDetails: session.engagementDetails } };
    case "NotAvailable":
      return { status, type: "NotAvailableSession", value: session };
  }
}

function failed({ status }: Response, error: ErrorAnswer | undefined): Reply {
  // A gateway's own page is a string here, and an empty body undefined, whatever the types say.
  if (typeof error !== "object") {
    return { status };
  }
  return { status, type: "error" in error ? "WrappedErrorEntity" : "ErrorEntity", value: error };
}

await serve(perform);
