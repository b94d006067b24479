// Waiting for what comes about by itself.

import assert from 'node:assert/strict'

/** Asks until the answer satisfies `check`; fails after twenty seconds with the last answer. */
export async function until(what, ask, check = Boolean) {
  const end = Date.now() + 20_000
  for (;;) {
    const last = await ask()
    if (check(last)) return last
    assert.ok(Date.now() < end, `${what}: still ${JSON.stringify(last)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
