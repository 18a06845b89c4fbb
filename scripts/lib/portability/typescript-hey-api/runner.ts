import { fetchDigits, read, write } from "./digits.js";
import { createClient } from "./engagement/client/index.js";
import {
  type CreateSessionBody,
  continueSession,
  createSession,
  type ErrorAnswer,
  findDomain,
  type Session,
  type UpdateSessionBody,
  updateSession,
} from "./engagement/index.js";
import { type Call, type Reply, serve } from "./serve.js";

async function perform(call: Call): Promise<Reply> {
  const { baseUrl, accountId, visitorId, sid, serviceName } = call;
  const client = createClient({ baseUrl, fetch: fetchDigits, bodySerializer: write });
  if (call.operation === "findDomain") {
    const { data, error, response } = await findDomain({
      client,
      path: { accountId, serviceName },
      query: { version: "1.0" },
    });
    return data ? { status: response.status, type: "ServiceDomain", value: data } : failed(response, error);
  }
  if (call.operation === "updateSession") {
    const body = read(call.body) as UpdateSessionBody;
    const { error, response } = await updateSession({
      client,
      path: { accountId, visitorId },
      query: { v: "1.0", sid },
      body,
    });
    return response.ok ? { status: response.status } : failed(response, error);
  }
  const body = read(call.body) as CreateSessionBody;
  const { data, error, response } =
    call.operation === "createSession"
      ? await createSession({ client, path: { accountId }, query: { v: "1.0" }, body })
      : await continueSession({ client, path: { accountId, visitorId }, query: { v: "1.0", sid }, body });
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

function failed(response: Response | undefined, error: ErrorAnswer | undefined): Reply {
  if (response === undefined) {
    throw new Error(String(error)); // No answer at all.
  }
  const { status } = response;
  // A gateway's own page is a string here, and an empty body an empty object, whatever the types say.
  if (typeof error !== "object" || !("error" in error || "time" in error)) {
    return { status };
  }
  return { status, type: "error" in error ? "WrappedErrorEntity" : "ErrorEntity", value: error };
}

await serve(perform);
