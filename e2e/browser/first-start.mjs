// A fresh Mercer: the link that sets the password, and pages that help while there is nothing to show.

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { expectText, look, openPage, until } from '../support/page.mjs'
import { folder, start } from '../support/server.mjs'

export function firstStart(world) {
  let data, server, link
  before(async () => {
    data = await folder()
    const address = `127.0.0.1:${await freePort()}`
    server = await start(['serve', '--listen', address, '--data', data.path], { MERCER_SERVER_PUBLIC_URL: `http://${address}` })
    link = await until('the set-up link', () => server.complaints().match(/http:\S+\/console\/welcome\?token=\S+/)?.[0])
  })
  after(async () => {
    await server?.stop()
    await data?.drop()
  })

  test('the printed link opens the console once, and empty pages say what to do', async (t) => {
    const page = await openPage(world.browser, { baseURL: server.url })
    await page.goto(link)
    await look(page, 'first start welcome', { t })
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('short')
    await page.getByRole('button', { name: 'Open the console' }).click()
    assert.equal(new URL(page.url()).pathname, '/console/welcome', 'the browser keeps short passwords back')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Open the console' }).click()
    await page.waitForURL('**/console/')
    await expectText(page.locator('main'), 'Bring in your catalog')
    for (const [name, path, help] of [
      ['overview', '/console/', 'mercer import catalog'],
      ['events', '/console/events', 'Connect a tracker'],
      ['customers', '/console/customers', 'mercer import orders'],
      ['catalog', '/console/catalog', 'mercer import catalog'],
      ['placements', '/console/placements', 'New placement'],
      ['placement', '/console/placements/home-for-you', 'Preview'],
      ['models', '/console/models', 'mercer train'],
      ['bad rows', '/console/bad-rows', 'No bad rows'],
      ['settings', '/console/settings', 'No keys yet'],
    ]) {
      await page.goto(path)
      await expectText(page.locator('main'), help)
      await look(page, `first start ${name}`, { t })
    }
    await page.getByLabel('Name').fill('web')
    await page.getByRole('button', { name: 'Make the key' }).click()
    const key = await page.getByLabel('Key', { exact: true }).inputValue()
    await page.goto('/console/events')
    await until('the live stream', () => page.locator('[data-live-state].is-on').count())
    const sent = await fetch(`${server.url}/v1/track`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ event: 'Product Viewed', anonymousId: 'the-first', properties: { product_id: 'mug' } }),
    })
    assert.equal(sent.status, 200)
    await page.locator('tr.is-new', { hasText: 'the-first' }).waitFor()
    assert.equal(await page.locator('[data-live-empty]').isVisible(), false, 'the empty state makes room')
    await page.context().close()
  })

  test('the link is used up', async () => {
    const page = await openPage(world.browser, { baseURL: server.url })
    await page.goto(link)
    await expectText(page.getByRole('alert'), 'used already')
    await page.context().close()
  })

  test('removing every placement leaves a page that helps', async () => {
    const page = await openPage(world.browser, { baseURL: server.url })
    await page.goto('/console/sign-in')
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('correct horse battery')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL('**/console/')
    await page.goto('/console/placements')
    const links = page.locator('tbody th a')
    for (let left = await links.count(); left > 0; left -= 1) {
      await links.first().click()
      await page.getByText('Remove this placement').click()
      await page.getByRole('button', { name: 'Yes, remove' }).click()
      await page.waitForURL('**/console/placements?removed=1')
    }
    await page.getByRole('link', { name: 'Make the first one' }).click()
    await expectText(page.locator('h1'), 'New placement')
    await page.context().close()
  })
}

/** A port that was free a moment ago. The link that Mercer prints needs to know it beforehand. */
async function freePort() {
  const probe = createServer()
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return port
}
