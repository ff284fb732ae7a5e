/** Something to tell a user. */
export interface FeedMessage {
  readonly userId: string
  /** The name that clients know: `payment:updated`. At most 64 characters. */
  readonly event: string
  /** JSON values only. */
  readonly data: Readonly<Record<string, unknown>>
}

/** A message with its place in the user's feed. */
export interface NumberedMessage extends FeedMessage {
  /** 1, 2, 3 … for each user, without a gap. */
  readonly seq: number
}

/** As the columns hold them. Blanks are none of these, so that no comparison pads and no two ids look alike. */
const USER_ID = /^[\x21-\x7e]{1,36}$/
const EVENT_NAME = /^[\x21-\x7e]{1,64}$/

/** Can this be a user's id: 1 to 36 visible ASCII characters, such as Laravel's uuids? Upper and lower case differ. */
export function isUserId(text: string): boolean {
  return USER_ID.test(text)
}

export function isEventName(text: string): boolean {
  return EVENT_NAME.test(text)
}
