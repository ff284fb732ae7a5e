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
/** Most elements have no attributes, and need no more than this. */
const NAME = /^[A-Za-z_][\w.-]*$/
/** The start of an element, with plain attributes. */
const START = /<([A-Za-z_][\w.-]*)(?:\s+[\w.:-]+="[^"<]*")*\s*(\/?)>/y
/** What follows the name at the end of an element. */
const END = /\s*>/y

interface Open {
  readonly name: string
  text: string
  readonly children: Open[]
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
  let innermost = root
  let elements = 0
  for (let at = 0; at < text.length; ) {
    const tag = text.indexOf('<', at)
    if (tag !== at) {
      innermost.text += text.slice(at, tag === -1 ? undefined : tag)
      at = tag === -1 ? text.length : tag
    } else if (text.startsWith('</', at)) {
      const end = endOf(innermost, text, at)
      if (end === null || innermost === root) return null
      open.pop()
      innermost = open.at(-1) ?? root
      at = end
    } else {
      const start = startAt(text, at)
      elements += 1
      if (start === null || elements > MAX_ELEMENTS || open.length > MAX_DEPTH) return null
      const element: Open = { name: start.name, text: '', children: [] }
      innermost.children.push(element)
      at = start.end
      if (start.isEmpty) continue
      open.push(element)
      innermost = element
    }
  }
  const [only, ...others] = root.children
  return open.length === 1 && others.length === 0 && root.text.trim() === '' ? (only ?? null) : null
}

interface Start {
  readonly name: string
  readonly isEmpty: boolean
  /** Where its tag ends. */
  readonly end: number
}

function startAt(text: string, at: number): Start | null {
  const close = text.indexOf('>', at)
  const plain = text.slice(at + 1, close === -1 ? at + 1 : close)
  if (NAME.test(plain)) return { name: plain, isEmpty: false, end: close + 1 }
  START.lastIndex = at
  const [, name, slash] = START.exec(text) ?? []
  return name === undefined ? null : { name, isEmpty: slash === '/', end: START.lastIndex }
}

/** Where the tag ends that ends this element; null where it is of another one. */
function endOf({ name }: Open, text: string, at: number): number | null {
  const afterName = at + '</'.length + name.length
  if (!text.startsWith(name, at + '</'.length)) return null
  if (text.charAt(afterName) === '>') return afterName + 1
  END.lastIndex = afterName
  return END.test(text) ? END.lastIndex : null
}

/** The only child of that name; null where there is none, or more than one: which of them is meant is anybody's guess. */
export function childOf(element: XmlElement | null, name: string): XmlElement | null {
  let found: XmlElement | null = null
  for (const child of element?.children ?? []) {
    if (child.name !== name) continue
    if (found !== null) return null
    found = child
  }
  return found
}

/** The text of a child without elements of its own; null where it is not there, empty or holds an entity. */
export function textOf(element: XmlElement | null, name: string): string | null {
  const child = childOf(element, name)
  if (child === null || child.children.length > 0 || child.text.includes('&')) return null
  const text = child.text.trim()
  return text === '' ? null : text
}
