// What a shopper does, in steps that several suites share.

import { expectText } from '../support/page.mjs'

/** Becomes one of the sample customers. */
export async function signIn(page, customer) {
  await page.goto('/sign-in')
  await page.getByRole('button', { name: `No. ${customer}` }).click()
  await page.waitForURL((url) => url.pathname === '/')
  await expectText(page.locator('.eyebrow').first(), `No. ${customer}`)
}

/** The id under which Mercer knows the shopper of a page. */
export async function anonymousId(page) {
  const cookies = await page.context().cookies()
  return cookies.find(({ name }) => name === 'mercer_anonymous_id').value
}

/** The rows of a page: their titles with the ids of their products, in order. */
export async function rows(page) {
  return page.locator('section.row:has(mercer-slot)').evaluateAll((sections) => sections.map((section) => ({
    title: section.querySelector('h2').textContent,
    placement: section.querySelector('mercer-slot').getAttribute('placement'),
    products: [...section.querySelectorAll('[data-mercer-product]')].map((tile) => tile.dataset.mercerProduct),
    reasons: [...section.querySelectorAll('.why li')].map((reason) => reason.textContent),
  })))
}

export async function row(page, placement) {
  return (await rows(page)).find((one) => one.placement === placement)
}
