export type { CreateSessionBody, UpdateSessionBody } from "./engagement/index.js";
