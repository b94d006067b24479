// kill -9 under load, again and again: nothing acknowledged is lost, nothing is there twice, and the folds that
// the last start serves equal those of a rebuild from the log. MERCER_CRASHES sets how often (100 in docs/results.md).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { folder, run, someProducts, startDemo } from './support/server.mjs'

const CRASHES = Number(process.env.MERCER_CRASHES ?? 5)
const WRITERS = 8

test(`${CRASHES} × kill -9 under load`, async () => {
  const data = await folder()
  const acknowledged = new Set()
  let products
  for (let crash = 0; crash < CRASHES; crash += 1) {
    const server = await startDemo(data.path)
    products ??= (await someProducts(server, 50)).map((product) => product.id)
    let alive = true
    const writers = Array.from({ length: WRITERS }, (_, writer) => write(server, `${crash}-${writer}`, products, acknowledged, () => alive))
    await new Promise((resolve) => setTimeout(resolve, 150 + Math.random() * 700))
    await server.kill()
    alive = false
    await Promise.all(writers)
  }
  assert.ok(acknowledged.size > CRASHES * WRITERS, `too little load: ${acknowledged.size} events`)

  const doctor = await run(['doctor', '--rebuild', '--json', '--data', data.path])
  assert.equal(doctor.code, 0, doctor.out + doctor.err)
  const seen = new Map()
  const { out, code } = await run(['export', 'events', '--data', data.path])
  assert.equal(code, 0)
  for (const line of out.split('\n').filter(Boolean)) {
    const { message_id: id } = JSON.parse(line)
    seen.set(id, (seen.get(id) ?? 0) + 1)
  }
  const lost = [...acknowledged].filter((id) => !seen.has(id))
  const twice = [...seen].filter(([, times]) => times > 1)
  console.log(`${CRASHES} crashes, ${acknowledged.size} acknowledged events, ${lost.length} lost, ${twice.length} duplicated`)
  assert.deepEqual([lost.length, twice.length], [0, 0])
  await data.drop()
})

/** Sends batches until the server dies; every second batch is a repetition, as a retrying client would send. */
async function write(server, name, products, acknowledged, isAlive) {
  for (let round = 0; isAlive(); round += 1) {
    const batch = Array.from({ length: 20 }, (_, index) => ({
      type: 'track',
      event: index % 7 === 6 ? 'Order Completed' : 'Product Viewed',
      messageId: `${name}-${round >> 1}-${index}`,
      anonymousId: `visitor-${name}-${(round >> 1) % 5}`,
      properties: index % 7 === 6
        ? { order_id: `order-${name}-${round >> 1}`, currency: 'GBP', products: [{ product_id: products[index], price: 2, quantity: 1 }] }
        : { product_id: products[(round + index) % products.length] },
    }))
    try {
      const response = await fetch(`${server.url}/v1/batch`, {
        method: 'POST', headers: { authorization: 'Bearer demo-write' }, body: JSON.stringify({ batch }),
      })
      const answer = await response.json()
      if (response.status !== 200) continue
      assert.equal(answer.rejected, 0)
      batch.forEach((event) => acknowledged.add(event.messageId))
    } catch {
      return
    }
  }
}
