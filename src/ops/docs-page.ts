import type { OpenApiDocument } from '../base/openapi.ts'

type Json = Readonly<Record<string, unknown>>

/** A readable page of an OpenAPI document: no script, nothing loaded from elsewhere, every text escaped. Pure. */
export function docsPage(document: OpenApiDocument): string {
  const sections = document.tags.map((tag) => section(document, tag))
  const links = document.tags.map(({ name }) => `<a href="#${escapeHtml(name)}">${escapeHtml(name)}</a>`)
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(document.info.title)} API</title><style>${STYLE}</style></head>
<body><header><h1>${escapeHtml(document.info.title)} <small>${escapeHtml(document.info.version)}</small></h1>
<p>${escapeHtml(document.info.description)}</p>
<nav>${links.join(' ')} <a href="/openapi.json">openapi.json</a> <a href="/asyncapi.json">asyncapi.json</a></nav></header>
<main>${sections.join('\n')}</main></body></html>
`
}

const STYLE = `
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 18%,transparent)}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
h1 small{font-weight:400;opacity:.6}nav a{margin-right:1rem}
article{border:1px solid var(--line);border-radius:.5rem;padding:0 1rem 1rem;margin:1rem 0}
h3{font:600 1rem/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
h3 b{display:inline-block;min-width:4rem;text-transform:uppercase}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-top:1px solid var(--line)}
code,td:first-child{font-family:ui-monospace,monospace;font-size:.875rem}details{margin:.5rem 0}
pre{overflow:auto;padding:.75rem;border:1px solid var(--line);border-radius:.5rem;font-size:.8125rem}`

function section({ paths }: OpenApiDocument, { name, description }: OpenApiDocument['tags'][number]): string {
  const articles = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, operation]) => ((operation as Json).tags as readonly string[]).includes(name))
      .map(([method, operation]) => article(method, path, operation as Json)),
  )
  return `<section id="${escapeHtml(name)}"><h2>${escapeHtml(name)}</h2><p>${escapeHtml(description)}</p>${articles.join('')}</section>`
}

function article(method: string, path: string, operation: Json): string {
  const { summary, description, security, parameters, requestBody, responses } = operation
  const [scheme] = (security as readonly Json[]).flatMap((one) => Object.keys(one))
  return `<article id="${escapeHtml(String(operation.operationId))}"><h3><b>${escapeHtml(method)}</b> ${escapeHtml(path)}</h3>
<p>${escapeHtml(String(summary))}${description === undefined ? '' : `<br>${escapeHtml(String(description))}`}</p>
<p>${credentialsOf(scheme)}</p>
${parametersTable((parameters ?? []) as readonly Json[])}${bodyDetails(requestBody as Json | undefined)}
${responsesTable(responses as Readonly<Record<string, Json>>)}</article>`
}

function credentialsOf(scheme: string | undefined): string {
  if (scheme === undefined) return 'No API key.'
  return scheme === 'userToken'
    ? "Needs a user's token: <code>Authorization: Bearer …</code>"
    : 'Needs <code>X-API-Key</code>.'
}

function parametersTable(parameters: readonly Json[]): string {
  if (parameters.length === 0) return ''
  const rows = parameters.map(({ name, in: where, required, description }) =>
    row([String(name), `${where}${required === true ? ', required' : ''}`, String(description)]),
  )
  return `<table><tr><th>parameter</th><th>where</th><th></th></tr>${rows.join('')}</table>`
}

function bodyDetails(requestBody: Json | undefined): string {
  return requestBody === undefined ? '' : schemaDetails('request body', requestBody.content as Json)
}

function responsesTable(responses: Readonly<Record<string, Json>>): string {
  const rows = Object.entries(responses).map(([status, { description }]) =>
    row([status, String(description)]),
  )
  const schemas = Object.entries(responses)
    .filter(([, { content }]) => content !== undefined && !('application/problem+json' in (content as Json)))
    .map(([status, { content }]) => schemaDetails(`answer ${status}`, content as Json))
  return `<table><tr><th>answer</th><th></th></tr>${rows.join('')}</table>${schemas.join('')}`
}

function schemaDetails(title: string, content: Json): string {
  return Object.entries(content)
    .map(([type, value]) => {
      const schema = JSON.stringify((value as Json).schema, null, 2)
      return `<details><summary>${escapeHtml(title)} <code>${escapeHtml(type)}</code></summary><pre>${escapeHtml(schema)}</pre></details>`
    })
    .join('')
}

function row(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
