// The same module, and the same classes, for `import`.
import client from "./index.js";

export const { CastClient, CastError } = client;
