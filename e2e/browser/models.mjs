// Models in the console: training with progress, a card, a canary, promoting and going back, the trail of all that.

import assert from 'node:assert/strict'
import { readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { expectText, look } from '../support/page.mjs'
import { call } from '../support/server.mjs'
import { expectNotice, openConsole } from './keeper.mjs'

export function models(world) {
  test('train, try, promote and go back in a few clicks, and all of it is on record', async (t) => {
    const page = await openConsole(world)
    await page.goto('/console/models')
    await page.getByRole('button', { name: 'Train now' }).click()
    await expectNotice(page, 'The training has begun')
    // The page follows the run, and shows the new version once it is there.
    await page.getByRole('link', { name: 'Version 000002' }).waitFor({ timeout: 120_000 })
    assert.equal(await page.locator('[data-running]').count(), 0)
    await expectText(page.locator('.rows > li').first(), 'passed the gate')

    await page.getByRole('link', { name: 'Version 000001' }).click()
    await page.getByLabel('Percent').fill('lots')
    await page.getByRole('button', { name: 'Start a canary' }).click()
    await expectNotice(page, 'Name a share above 0')
    await page.goto('/console/models/000001')
    await page.getByLabel('Percent').fill('25')
    await page.getByLabel('Why').last().fill('the old one again')
    await page.getByRole('button', { name: 'Start a canary' }).click()
    await expectNotice(page, 'Version 000001 answers 25 % of the customers now.')
    for (let number = 0; number < 40; number += 1) {
      await call(world.server, 'POST', '/v1/decide', { key: 'demo-decide', body: { customer: `shopper-${number}`, group: 'home' } })
    }
    for (const device of ['desktop', 'phone']) {
      const other = await openConsole(world, { device })
      for (const [name, path] of [['models with a canary', '/console/models'], ['model with a canary', '/console/models/000001'], ['model that serves', '/console/models/000002']]) {
        await other.goto(path)
        await look(other, `console ${name}`, { t })
      }
      await other.context().close()
    }
    await page.goto('/console/models')
    await page.getByRole('button', { name: 'Stop the canary' }).click()
    await expectNotice(page, 'the champion answers everybody')
    await page.getByRole('button', { name: 'Roll back to 000001' }).click()
    await expectNotice(page, 'Version 000001 serves again.')
    await page.getByRole('button', { name: 'Serve this one: version 000002' }).click()
    await expectNotice(page, 'Version 000002 serves now.')
    const trail = page.getByRole('region', { name: 'Changes, newest first' })
    const told = await trail.locator('tbody tr').allInnerTexts()
    const wanted = [/Promoted\s+000002\s+000001\s+demo/, /Rolled back to\s+000001\s+000002\s+demo/, /Canary stopped\s+000001/, /Canary started\s+000001.*25 % of the customers.*the old one again/s]
    wanted.forEach((line, place) => assert.match(told[place], line))
    assert.deepEqual(page.complaints, [])
    await page.context().close()
  })

  test('a day that looks different, and a training that fails: said on every page', async (t) => {
    const { server } = world
    const day = 24 * 3600 * 1000
    const yesterday = Math.floor(Date.now() / day) * day - day / 2
    const { body: champion } = await call(server, 'GET', '/v1/models/000001')
    // The shop's last day moves with the week: only a whole day after it can be compared.
    if (Date.parse(champion.data.last_at) < yesterday - day) {
      const batch = Array.from({ length: 150 }, (_, number) => ({
        type: 'track', event: 'Product Viewed', messageId: `yesterday-${number}`, anonymousId: `looker-${number}`,
        timestamp: new Date(yesterday + number).toISOString(), properties: { product_id: '22423' },
      }))
      assert.equal((await call(server, 'POST', '/v1/batch', { key: 'demo-write', body: { batch } })).body.accepted, 150)
      await call(server, 'POST', '/v1/models/000001/promote')
      const { drift } = await health(server, (found) => found.drift.days.length > 0)
      const mix = drift.days[0].inputs.find((input) => input.input === 'events')
      assert.ok(mix.has_drifted && mix.distance > 0.9, JSON.stringify(mix))
    }
    const lake = join(world.data, 'lake')
    const file = readdirSync(lake, { recursive: true }).find((name) => /lines.*parquet$/.test(name))
    truncateSync(join(lake, file), 100)
    assert.equal((await call(server, 'POST', '/v1/models/train')).status, 500)
    await health(server, (found) => found.alarms.some((alarm) => alarm.kind === 'training_failed'))
    for (const device of ['desktop', 'phone']) {
      const page = await openConsole(world, { device })
      for (const [name, path] of [['overview with alarms', '/console/'], ['models with alarms', '/console/models'], ['model with drift', '/console/models/000001']]) {
        await page.goto(path)
        await expectText(page.locator('main'), 'The last training failed')
        await look(page, `console ${name}`, { t })
      }
      await page.context().close()
    }
  })
}

/** What is wrong with the models, once it is as expected. */
async function health(server, check) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { body } = await call(server, 'GET', '/v1/models/health')
    if (check(body)) return body
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the models were not looked after')
}
