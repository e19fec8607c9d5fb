// The base of all errors that the user can fix: a message that says what is wrong and what to do.
// Programs show only the message; any other error is our mistake, shown with its stack.

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
