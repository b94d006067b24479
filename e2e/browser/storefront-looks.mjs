// Every page of the storefront, on a desktop and a phone, in light and dark: nothing moves, sticks out or fails, and
// axe is content.

import { test } from 'node:test'
import { look, openPage } from '../support/page.mjs'
import { someProducts } from '../support/server.mjs'
import { signIn } from './shopper.mjs'

export function storefrontLooks(world) {
  for (const device of ['desktop', 'phone']) {
    test(`as a stranger, on a ${device}`, async (t) => {
      const { server, browser } = world
      const [, product] = await someProducts(server, 2)
      const page = await openPage(browser, { device, baseURL: server.url })
      const pages = [
        ['home', '/'],
        ['department', '/c/kitchen-dining'],
        ['product', `/p/${product.id}`],
        ['search', '/search?q=red+mug'],
        ['search for nothing', '/search'],
        ['search without result', '/search?q=qqxxzzy'],
        ['empty basket', '/cart'],
        ['no order', '/order'],
        ['sign-in', '/sign-in'],
        ['unknown product', '/p/no-such-product', 404],
        ['unknown department', '/c/no-such-department', 404],
      ]
      for (const [name, path, status] of pages) {
        await page.goto(path)
        await look(page, `stranger ${name}`, { status, t })
      }
      await page.context().close()
    })

    test(`as a customer, on a ${device}`, async (t) => {
      const { server, browser } = world
      const [product] = await someProducts(server, 1)
      const page = await openPage(browser, { device, baseURL: server.url })
      await signIn(page, '15738')
      await page.goto('/')
      await look(page, 'customer home', { t })
      await page.locator('.why summary').first().click()
      await page.locator('.knows summary').click()
      await look(page, 'customer home with reasons and panel', { t })
      await page.goto(`/p/${product.id}`)
      await page.getByRole('button', { name: 'Put it in the basket' }).click()
      await page.waitForURL('**/cart')
      await look(page, 'customer basket', { t })
      await page.goto('/')
      const first = await page.locator('[data-mercer-product]').first().getAttribute('data-mercer-product')
      const tile = page.locator(`[data-mercer-product="${first}"]`)
      await tile.getByRole('button', { name: 'Not for me' }).click()
      await tile.waitFor({ state: 'detached' })
      await page.goto('/me')
      await look(page, 'customer what Mercer knows', { t })
      await page.goto('/cart')
      await page.getByRole('button', { name: 'Place the pretend order' }).click()
      await page.waitForURL('**/order')
      await look(page, 'customer order', { t })
      await page.context().close()
    })
  }
}
