import { isInteger, parse, stringify } from "lossless-json";

// A number of TypeScript holds 53 bits, an id 64. What goes out may be a bigint, declared as the number that it stands
// for; what comes in beyond 53 bits becomes a string of digits, which is how the service may write ids anyway.

export const write = (value: unknown): string => stringify(value) ?? "";

export const read = (text: string): unknown => parse(text, undefined, (digits) => held(digits) ?? BigInt(digits));

export async function fetchDigits(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init);
  const text = await response.text();
  const { status, headers } = response;
  return new Response(quoted(text), { status, headers });
}

function quoted(text: string): string {
  try {
    return write(parse(text, undefined, (digits) => held(digits) ?? digits));
  } catch {
    return text; // A gateway's own page, or nothing at all.
  }
}

function held(digits: string): number | undefined {
  return isInteger(digits) && !Number.isSafeInteger(Number(digits)) ? undefined : Number(digits);
}
