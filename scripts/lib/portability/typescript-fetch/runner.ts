import { fetchDigits, read, write } from "./digits.js";
import {
  Configuration,
  type CreateSessionBody,
  DomainApi,
  type ErrorAnswer,
  ErrorAnswerFromJSON,
  type InitOverrideFunction,
  ResponseError,
  type Session,
  SessionApi,
  type UpdateSessionBody,
} from "./engagement/index.js";
import { type Call, type Reply, serve } from "./serve.js";

// The client writes bodies with JSON.stringify, which knows no bigint, unless it is given a Blob.
const digits: InitOverrideFunction = async ({ init }) => ({
  body: init.body === undefined ? undefined : new Blob([write(init.body)]),
});

async function perform(call: Call): Promise<Reply> {
  try {
    return await answered(call);
  } catch (failure) {
    if (failure instanceof ResponseError) {
      return failed(failure.response);
    }
    throw failure;
  }
}

async function answered(call: Call): Promise<Reply> {
  const { accountId, visitorId, sid, serviceName } = call;
  const configuration = new Configuration({ basePath: call.baseUrl, fetchApi: fetchDigits });
  const sessions = new SessionApi(configuration);
  if (call.operation === "findDomain") {
    const found = await new DomainApi(configuration).findDomainRaw({ accountId, serviceName, version: "1.0" });
    return { status: found.raw.status, type: "ServiceDomain", value: await found.value() };
  }
  if (call.operation === "updateSession") {
    const updateSessionBody = read(call.body) as UpdateSessionBody;
    const done = await sessions.updateSessionRaw({ accountId, visitorId, sid, v: "1.0", updateSessionBody }, digits);
    return { status: done.raw.status };
  }
  const createSessionBody = read(call.body) as CreateSessionBody;
  const answer =
    call.operation === "createSession"
      ? await sessions.createSessionRaw({ accountId, v: "1.0", createSessionBody }, digits)
      : await sessions.continueSessionRaw({ accountId, visitorId, sid, v: "1.0", createSessionBody }, digits);
  return typed(answer.raw, await answer.value());
}

function typed({ status }: Response, session: Session): Reply {
  switch (session.status) {
    case "Available":
      return { status, type: "AvailableSession", value: { ...session, engagementDetails: session.engagementDetails } };
    case "NotAvailable":
      return { status, type: "NotAvailableSession", value: session };
  }
}

async function failed(response: Response): Promise<Reply> {
  const { status } = response;
  let error: ErrorAnswer;
  try {
    error = ErrorAnswerFromJSON(await response.json());
  } catch {
    return { status }; // A gateway's own page, or nothing at all.
  }
  return { status, type: "error" in error ? "WrappedErrorEntity" : "ErrorEntity", value: error };
}

await serve(perform);
