import type { Content } from './signed-content.ts'

/** One change of a content. Where it is made follows from `at`, whatever the content's length. */
export interface Edit {
  readonly how: How
  readonly at: number
  /** A value as JSON writes it, and the same for forms and XML. */
  readonly value: string
}

export const EDITS = [
  'replace',
  'remove',
  'double',
  'rename',
  'wrap',
  'swap',
  'bytes',
  'cut',
  'insert',
] as const
type How = (typeof EDITS)[number]

const ODD_NAMES = ['other', '__proto__', 'constructor', 'toString', '', 'id', 'status', 'amount']
/** A byte order mark, a lone surrogate and an overlong slash in what only looks like UTF-8, NUL, and a line's end. */
const ODD_BYTES = ['\xef\xbb\xbf', '\xed\xa0\x80', '\xc0\xaf', '\xff', '\0', '\r\n', ' ', '\xc3']

/** The content after this change; mostly still of its form. */
export function edited(content: Buffer, form: Content, edit: Edit): Buffer {
  const { how, at, value } = edit
  const place = content.length === 0 ? 0 : at % content.length
  switch (how) {
    case 'bytes': {
      const copy = Buffer.from(content)
      if (copy.length > 0) copy[place] = (copy[place] ?? 0) ^ (1 << (at % 8))
      return copy
    }
    case 'cut':
      return content.subarray(0, place)
    case 'insert': {
      // At the very start as well, where a byte order mark would stand.
      const where = at % 3 === 0 ? 0 : place
      const odd = Buffer.from(ODD_BYTES[at % ODD_BYTES.length] ?? '', 'latin1')
      return Buffer.concat([content.subarray(0, where), odd, content.subarray(where)])
    }
    default:
      return Buffer.from(FORMS[form](content.toString('latin1'), how, at, latin1Of(value)), 'latin1')
  }
}

type FieldEdit = Exclude<How, 'bytes' | 'cut' | 'insert'>

/** Texts stand for their bytes, so that what is no UTF-8 stays as it is. */
const FORMS = { json: editedJson, form: editedForm, xml: editedXml } as const

function latin1Of(text: string): string {
  return Buffer.from(text).toString('latin1')
}

const FIELD = /"((?:[^"\\]|\\.)*)"\s*:\s*(?="|-?\d|true|false|null|\{|\[)/g

function editedJson(text: string, how: FieldEdit, at: number, value: string): string {
  const fields = [...text.matchAll(FIELD)]
  const field = fields[at % fields.length]
  if (field === undefined) return `${text}${value}`
  const start = field.index + field[0].length
  const end = endOfValue(text, start)
  const [before, key, old, after] = [
    text.slice(0, field.index),
    field[1] ?? '',
    text.slice(start, end),
    text.slice(end),
  ]
  const inner = how === 'wrap' ? null : editedInside(old, how, at, value)
  if (inner !== null) return `${before}"${key}":${inner}${after}`
  switch (how) {
    case 'replace':
      return `${before}"${key}":${value}${after}`
    case 'remove':
      return after.startsWith(',') ? before + after.slice(1) : before.replace(/,$/, '') + after
    case 'double':
      return at % 2 === 0
        ? `${before}"${key}":${old},"${key}":${value}${after}`
        : `${before}"${key}":${value},"${key}":${old}${after}`
    case 'rename':
      return `${before}"${ODD_NAMES[at % ODD_NAMES.length]}":${old}${after}`
    case 'wrap':
      return `${before}"${key}":${[`[${old}]`, `{"${key}":${old}}`, `[${old},${old}]`, JSON.stringify(old)][at % 4]}${after}`
    case 'swap': {
      const other = fields[(at >> 4) % fields.length] ?? field
      const from = other.index + other[0].length
      return `${before}"${key}":${text.slice(from, endOfValue(text, from))}${after}`
    }
  }
}

/** Some values are JSON in a text; every second time the change is made in there. */
function editedInside(old: string, how: FieldEdit, at: number, value: string): string | null {
  if (at % 2 === 0 || !old.startsWith('"{\\"')) return null
  try {
    return JSON.stringify(editedJson(JSON.parse(old), how, at >> 1, value))
  } catch {
    return null
  }
}

/** Behind the value that begins here: a text, a word, or whatever is in brackets. */
function endOfValue(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    const char = text[at]
    if (char === '"') {
      at += 1
      while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
    } else if (char === '{' || char === '[') depth += 1
    else if (char === '}' || char === ']') {
      if (depth === 0) return at
      depth -= 1
      if (depth === 0) return at + 1
    } else if (depth === 0 && char === ',') return at
    if (depth === 0 && char === '"') return at + 1
  }
  return text.length
}

function editedForm(text: string, how: FieldEdit, at: number, value: string): string {
  const pairs = text.split('&')
  const place = at % pairs.length
  const [name = '', written = ''] = pairs[place]?.split('=') ?? []
  const odd = at % 3 === 0 ? plainOf(value) : encodeURIComponent(plainOf(value))
  const anew: Readonly<Record<FieldEdit, readonly string[]>> = {
    replace: [`${name}=${odd}`],
    remove: [],
    double: [`${name}=${odd}`, `${name}=${written}`],
    rename: [`${ODD_NAMES[at % ODD_NAMES.length]}=${written}`],
    wrap: [`${name}[]=${written}`],
    swap: [`${name}=${pairs[(at >> 4) % pairs.length]?.split('=')[1] ?? ''}`],
  }
  return pairs.toSpliced(place, 1, ...anew[how]).join('&')
}

const ELEMENT = /<([\w-]+)([^<>]*)>([^<]*)<\/\1>/g

function editedXml(text: string, how: FieldEdit, at: number, value: string): string {
  const elements = [...text.matchAll(ELEMENT)]
  const element = elements[at % elements.length]
  if (element === undefined) return text
  const [whole, name, attributes, old] = element
  const other = elements[(at >> 4) % elements.length]?.[3]
  const deep = at % 100
  const anew: Readonly<Record<FieldEdit, string>> = {
    replace: `<${name}${attributes}>${plainOf(value)}</${name}>`,
    remove: '',
    double: `<${name}>${plainOf(value)}</${name}>${whole}`,
    rename: `<${ODD_NAMES[at % ODD_NAMES.length]}>${old}</${ODD_NAMES[at % ODD_NAMES.length]}>`,
    wrap: at % 2 === 0 ? `<${name} nil="true"/>` : `<${name}>`.repeat(deep) + old + `</${name}>`.repeat(deep),
    swap: `<${name}${attributes}>${other}</${name}>`,
  }
  return text.slice(0, element.index) + anew[how] + text.slice(element.index + whole.length)
}

/** The text that a JSON value means, where it is one. */
function plainOf(value: string): string {
  try {
    const meant: unknown = JSON.parse(value)
    return typeof meant === 'string' ? meant.toWellFormed() : value
  } catch {
    return value
  }
}
