// Every page of the console, on a desktop and a phone, in light and dark: nothing moves, sticks out or fails, and
// axe is content.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { look, openPage } from '../support/page.mjs'
import { call, someProducts } from '../support/server.mjs'
import { openConsole } from './keeper.mjs'

export function consoleLooks(world) {
  before(async () => {
    const { server } = world
    const bad = await call(server, 'POST', '/v1/batch', { key: 'demo-write', body: { batch: [{ type: 'track', anonymousId: 'a' }] } })
    assert.equal(bad.body.rejected, 1, 'a bad row to look at')
  })

  for (const device of ['desktop', 'phone']) {
    test(`every page, on a ${device}`, async (t) => {
      const [product] = await someProducts(world.server, 1)
      const page = await openConsole(world, { device })
      const pages = [
        ['overview', '/console/'],
        ['overview of a day', '/console/?days=1'],
        ['overview of a year', '/console/?days=364'],
        ['events', '/console/events'],
        ['orders', '/console/events?kind=orders'],
        ['customers', '/console/customers'],
        ['customers, none found', '/console/customers?q=nobody-has-this-id'],
        ['customer', '/console/customers/15738'],
        ['catalog', '/console/catalog'],
        ['catalog, none found', '/console/catalog?q=qqxxzzy'],
        ['product', `/console/catalog/${product.id}`],
        ['placements', '/console/placements'],
        ['placement', '/console/placements/home-for-you'],
        ['new placement', '/console/new-placement'],
        ['search', '/console/search'],
        ['search rules', '/console/search/rules'],
        ['new search rule', '/console/search/new-rule'],
        ['synonyms', '/console/search/synonyms'],
        ['judging', '/console/search/judging'],
        ['judging, nothing found', '/console/search/judging/query?q=qqxxzzy'],
        ['judging, compare', '/console/search/judging/compare'],
        ['judging, trial', '/console/search/judging/trial'],
        ['search analytics', '/console/search/analytics'],
        ['search analytics, unknown query', '/console/search/analytics/query?q=nobodyasked', 404],
        ['models', '/console/models'],
        ['model', '/console/models/000001'],
        ['unknown model', '/console/models/999999', 404],
        ['bad rows', '/console/bad-rows'],
        ['settings', '/console/settings'],
        ['unknown customer', '/console/customers/nobody', 404],
      ]
      for (const [name, path, status] of pages) {
        await page.goto(path)
        await look(page, `console ${name}`, { status, t })
      }
      await page.context().close()
    })

    test(`what opens on a page, on a ${device}`, async (t) => {
      const page = await openConsole(world, { device })
      await page.goto('/console/customers/15738')
      await page.getByRole('button', { name: 'View the shop as this customer' }).click()
      await page.waitForURL('**/view-as')
      await look(page, 'console view as', { t })
      await page.goto('/console/placements/home-for-you')
      await page.locator('.decided summary').click()
      await page.getByLabel('Items', { exact: true }).fill('many')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.locator('#faults').waitFor()
      await look(page, 'console placement with a fault', { t, status: 400 })
      if (device === 'desktop') {
        await page.goto('/console/')
        await page.keyboard.press('Control+k')
        await page.getByRole('combobox').fill('cu')
        await look(page, 'console palette', { t })
      }
      await page.context().close()
    })

    test(`the door, on a ${device}`, async (t) => {
      const page = await openPage(world.browser, { device, baseURL: world.server.url })
      await page.goto('/console/')
      await page.waitForURL('**/console/sign-in')
      await look(page, 'console sign-in', { t })
      await page.context().close()
    })
  }
}
