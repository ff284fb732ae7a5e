/** An element of a small XML document: its own text and the elements in it. Attributes are not kept. */
export interface XmlElement {
  readonly name: string
  readonly text: string
  readonly children: readonly XmlElement[]
}

/** Real documents of gateways stay far below. */
const MAX_ELEMENTS = 5_000
const MAX_DEPTH = 32

const DECLARATION = /^<\?xml [^<>]*\?>\s*/
/** The start of an element, with plain attributes. */
const START = /<([A-Za-z_][\w.-]*)(?:\s+[\w.:-]+="[^"<]*")*\s*(\/?)>/y
/** What follows the name at the end of an element. */
const END = /\s*>/y

interface Open {
  readonly name: string
  text: string
  readonly children: XmlElement[]
}

/**
 * Reads elements and text, and nothing else of XML: no document type, no comments, no CDATA, no processing instructions. Entities
 * stay as they are written, so that nothing is ever expanded; a text with one is no id, no amount and no date. Null for
 * whatever is not such a document, for more than 5,000 elements and for more than 32 in one another.
 */
export function readXml(document: string): XmlElement | null {
  const text = document.trim().replace(DECLARATION, '')
  const root: Open = { name: '', text: '', children: [] }
  const open: Open[] = [root]
  let elements = 0
  for (let at = 0; at < text.length; ) {
    const innermost = open.at(-1) ?? root
    const tag = text.indexOf('<', at)
    if (tag !== at) {
      innermost.text += text.slice(at, tag === -1 ? undefined : tag)
      at = tag === -1 ? text.length : tag
    } else if (text.startsWith('</', at)) {
      const end = `</${innermost.name}`
      if (!text.startsWith(end, at) || !matches(END, text, at + end.length) || !close(open)) return null
      at = END.lastIndex
    } else {
      START.lastIndex = at
      const [, name, isEmpty] = START.exec(text) ?? []
      elements += 1
      if (name === undefined || elements > MAX_ELEMENTS || open.length > MAX_DEPTH) return null
      open.push({ name, text: '', children: [] })
      if (isEmpty === '/') close(open)
      at = START.lastIndex
    }
  }
  const [only, ...others] = root.children
  return open.length === 1 && others.length === 0 && root.text.trim() === '' ? (only ?? null) : null
}

function matches(sticky: RegExp, text: string, at: number): boolean {
  sticky.lastIndex = at
  return sticky.test(text)
}

function close(open: Open[]): boolean {
  const element = open.length > 1 ? open.pop() : undefined
  if (element === undefined) return false
  open.at(-1)?.children.push(element)
  return true
}

/** The only child of that name; null where there is none, or more than one: which of them is meant is anybody's guess. */
export function childOf(element: XmlElement | null, name: string): XmlElement | null {
  const named = element?.children.filter((child) => child.name === name) ?? []
  return named.length === 1 ? (named[0] ?? null) : null
}

/** The text of a child without elements of its own; null where it is not there, empty or holds an entity. */
export function textOf(element: XmlElement | null, name: string): string | null {
  const child = childOf(element, name)
  if (child === null || child.children.length > 0 || child.text.includes('&')) return null
  const text = child.text.trim()
  return text === '' ? null : text
}
