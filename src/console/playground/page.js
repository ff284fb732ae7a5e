import { OncelineClient } from './client/client.ts'

const element = (id) => document.getElementById(id)
/** The oldest rows go: a page that stays open for a day must not hold a day. */
const MAX_ROWS = 500
let client = null

element('connect').addEventListener('click', () => guard(connect))
element('disconnect').addEventListener('click', () => guard(disconnect))
element('capture').addEventListener('click', () => guard(capture))

function connect() {
  const userId = element('user').value
  const userType = element('type').value
  client = new OncelineClient({
    url: location.origin,
    token: async () => (await post('/playground/token', { userId, userType })).token,
    cursor: cursorOf(userId),
  })
  client.onAny((data, { event, seq }) => show(seq ?? '', event, data))
  client.onState((state) => {
    element('state').textContent = state.name
  })
  client.onError((error) => complain(error))
  client.connect()
  element('disconnect').disabled = false
  element('connect').disabled = true
}

async function disconnect() {
  await client?.close()
  client = null
  element('disconnect').disabled = true
  element('connect').disabled = false
}

/** The page posts the delivery itself, as a gateway would. */
async function capture() {
  const userId = element('user').value
  const userType = element('type').value
  const { path, headers, body } = await post('/playground/payment', { userId, userType })
  const answer = await fetch(path, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(`the webhook was answered ${answer.status}`)
}

/** The last number seen of each user, as an app keeps it on the phone. */
function cursorOf(userId) {
  const key = `onceline-cursor-${userId}`
  return {
    get: () => (localStorage.getItem(key) === null ? null : Number(localStorage.getItem(key))),
    set: (seq) => {
      localStorage.setItem(key, String(seq))
      element('seen').textContent = String(seq)
    },
  }
}

function show(seq, event, data) {
  const row = document.createElement('tr')
  for (const text of [seq, event, JSON.stringify(data)]) {
    const cell = document.createElement('td')
    cell.textContent = String(text)
    row.append(cell)
  }
  row.dataset.event = event
  const frames = element('frames')
  frames.prepend(row)
  while (frames.rows.length > MAX_ROWS) frames.lastElementChild.remove()
}

async function post(path, content) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(content),
  })
  const body = await answer.json()
  if (!answer.ok) throw new Error(body.detail)
  return body
}

async function guard(work) {
  element('problem').textContent = ''
  try {
    await work()
  } catch (error) {
    complain(error)
  }
}

function complain(error) {
  element('problem').textContent = error instanceof Error ? error.message : String(error)
}
