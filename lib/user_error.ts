// The base class of errors that the user can fix; the message says what is wrong and what to do.
// Programs print only the message. Any other error is a bug, printed with its stack.

/**
 * Something that the user can fix: a file, an option, the data.
 *
 * @example
 * ```ts
 * import { UserError } from "mien/user_error.ts";
 * import { readImage } from "mien/image/image.ts";
 *
 * await readImage("no/such/picture.png").catch((error) => {
 *   console.log(error instanceof UserError, error.message);
 * });
 * ```
 */
export class UserError extends Error {
  override readonly name: string = "UserError";
}
