import type { components } from "./engagement.js";

export type CreateSessionBody = components["schemas"]["CreateSessionBody"];
export type UpdateSessionBody = components["schemas"]["UpdateSessionBody"];
export type ErrorAnswer = components["schemas"]["ErrorAnswer"];
export type Session = components["schemas"]["Session"];
