import { createInterface } from "node:readline";
import { write } from "./digits.js";

export interface Call {
  baseUrl: string;
  operation: "createSession" | "continueSession" | "updateSession" | "findDomain";
  accountId: string;
  visitorId: string;
  sid: string;
  serviceName: string;
  body: string;
}

export interface Reply {
  status: number;
  type?: string;
  value?: unknown;
}

/** Makes the calls of the conformance vectors: one JSON line in, one out. */
export async function serve(perform: (call: Call) => Promise<Reply>): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const reply = await perform(JSON.parse(line) as Call).catch((failure: unknown) => ({ failure: String(failure) }));
    console.log(write(reply));
  }
}
