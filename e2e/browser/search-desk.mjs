// What the shop itself says in search: a synonym that is tried and saved, a rule that is tried, saved and obeyed, and what
// the inspector shows of both; and the judging desk, by mouse, by keyboard and without a script.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { expectText, look } from '../support/page.mjs'
import { call } from '../support/server.mjs'
import { expectNotice, openConsole } from './keeper.mjs'

const WORD = 'zwibbler'

export function searchDesk(world) {
  const search = async (q) => (await call(world.server, 'POST', '/v1/search', { key: 'demo-decide', body: { q, dry_run: true } })).body
  after(async () => {
    await call(world.server, 'PUT', '/v1/search/synonyms', { body: { rules: [] } })
    await call(world.server, 'DELETE', '/v1/search/rules/e2e')
  })

  test('a synonym: what it would change, saved, and found', async (t) => {
    assert.equal((await search(WORD)).total, 0)
    const page = await openConsole(world)
    await page.goto('/console/search/synonyms')
    const list = page.getByLabel('One rule a line')
    await list.fill(`${WORD}, lantern\nlonely`)
    await page.getByRole('button', { name: 'Save' }).click()
    await expectText(page.getByRole('alert'), 'line 2')
    await list.fill(`${WORD}, lantern`)
    await page.getByLabel('What would this change for').fill(WORD)
    await page.getByRole('button', { name: 'Preview' }).click()
    await expectText(page.getByRole('status'), '0 found now')
    await look(page, 'console synonyms, previewed', { t })
    assert.equal((await search(WORD)).total, 0, 'a preview changes nothing')
    await page.getByRole('button', { name: 'Save' }).click()
    await expectNotice(page, 'Saved')
    assert.ok((await search(WORD)).total > 0)
    assert.deepEqual(page.complaints, [])
    await page.context().close()
  })

  for (const device of ['desktop', 'phone']) {
    test(`a rule: tried, saved, obeyed and told, on a ${device}`, async (t) => {
      const last = (await call(world.server, 'POST', '/v1/search', { key: 'demo-decide', body: { q: 'lantern', limit: 10, dry_run: true } })).body.items.at(-1)
      const page = await openConsole(world, { device })
      await page.goto('/console/search/rules')
      await page.getByRole('link', { name: /New rule|Make the first one/ }).first().click()
      await page.getByLabel('The query is').fill('lantern')
      const action = page.getByRole('group', { name: 'Action 1' })
      await action.getByLabel('Action').selectOption('pin')
      await action.getByLabel('With').fill(last.product_id)
      await action.getByLabel('Place').fill('1')
      await page.getByLabel('Query', { exact: true }).fill('lantern')
      await page.getByRole('button', { name: 'Preview' }).click()
      await expectText(page.locator('section', { has: page.locator('#after') }).last().locator('.tiles > li').first(), last.product.title)
      await look(page, 'console search rule, previewed', { t })
      await page.getByLabel('Id').fill('e2e')
      await page.getByRole('button', { name: 'Save' }).click()
      await expectText(page.getByRole('alert'), 'name')
      await page.getByLabel('Name').fill('A test <b>rule</b>')
      await page.getByRole('button', { name: 'Save' }).click()
      await expectNotice(page, 'Saved')
      const answer = await search('lantern')
      assert.equal(answer.items[0].product_id, last.product_id)
      assert.deepEqual(answer.rules.map(({ id }) => id), ['e2e'])
      await page.goto('/console/search?q=lantern&customer=15738')
      await expectText(page.locator('main'), `pinned ${last.product_id} at 1`)
      await look(page, 'console search inspector', { t })
      await page.goto('/console/search/rules')
      await look(page, 'console search rules', { t })
      await page.getByRole('link', { name: 'A test <b>rule</b>' }).click()
      await page.getByText('Remove this rule').click()
      await page.getByRole('button', { name: 'Yes, remove e2e' }).click()
      await expectNotice(page, 'removed')
      assert.deepEqual(page.complaints, [])
      await page.context().close()
    })
  }

  const judgments = async () => (await call(world.server, 'GET', '/v1/search/judgments')).body.judgments
  const forget = async () => {
    const list = (await judgments()).map((judgment) => ({ ...judgment, grade: null }))
    await call(world.server, 'POST', '/v1/search/judgments', { body: { judgments: list } })
    await call(world.server, 'DELETE', '/v1/search/trial')
  }

  for (const device of ['desktop', 'phone']) {
    test(`judging: by hand and by keyboard, measured and compared, on a ${device}`, async (t) => {
      await forget()
      const page = await openConsole(world, { device })
      await page.goto('/console/search/judging')
      await page.getByRole('textbox', { name: 'Query' }).fill('Paper  LANTERN')
      await page.getByRole('button', { name: 'Judge it' }).click()
      const products = page.locator('.judged > li')
      const count = page.locator('[data-judging-count]')
      const focused = () => page.evaluate(() => document.activeElement.closest('li')?.id)
      await products.nth(0).getByRole('button', { name: 'Exactly what was meant' }).click()
      await expectText(count, '1 of')
      await page.waitForFunction(() => document.activeElement.closest('li')?.id === 'product-2')
      await page.keyboard.press('0')
      await expectText(count, '2 of')
      await expectText(page.locator('[data-judging-said]'), '0 Not relevant. 2 of')
      await page.waitForFunction(() => document.activeElement.closest('li')?.id === 'product-3')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('2')
      await expectText(count, '3 of')
      await page.keyboard.press('ArrowUp')
      await page.keyboard.press('ArrowUp')
      assert.equal(await focused(), 'product-3')
      await page.keyboard.press('1')
      await expectText(count, '4 of')
      assert.deepEqual((await judgments()).map(({ query, grade }) => [query, grade]).sort(), [0, 1, 2, 3].map((grade) => ['paper lantern', grade]))
      await look(page, 'console judging, a query', { t })
      await products.nth(3).getByRole('button', { name: 'Take back' }).click()
      await expectText(count, '3 of')
      await page.goto('/console/search/judging')
      await expectText(page.locator('main'), 'Over 1 query with a relevant product')
      await look(page, 'console judging', { t })
      await page.getByRole('link', { name: 'Compare two settings' }).click()
      await page.getByLabel('Query', { exact: true }).fill('paper lantern')
      await page.getByRole('button', { name: 'Compare' }).click()
      await expectText(page.locator('main'), 'B less A')
      await look(page, 'console judging, two settings', { t })
      await page.getByRole('link', { name: 'Try B on customers' }).click()
      await look(page, 'console judging, no trial', { t })
      await page.getByLabel('Strength of B').fill('0.5')
      await page.getByLabel('Share of searches').fill('1')
      await page.getByRole('button', { name: 'Start' }).click()
      await expectNotice(page, 'The trial runs')
      await look(page, 'console judging, a trial', { t })
      await page.getByRole('button', { name: 'End the trial' }).click()
      await expectNotice(page, 'over')
      await look(page, 'console judging, an earlier trial', { t })
      assert.deepEqual(page.complaints, [])
      await page.context().close()
    })
  }

  test('judging works without a script', async () => {
    await forget()
    await openConsole(world).then((page) => page.context().close())
    const page = await openConsole(world, { javaScriptEnabled: false })
    await page.goto('/console/search/judging/query?q=lantern')
    await page.locator('.judged > li').first().getByRole('button', { name: 'Good' }).click()
    await expectText(page.locator('[data-judging-count]'), '1 of')
    assert.ok(page.url().endsWith('#product-2'), page.url())
    assert.deepEqual((await judgments()).map(({ grade }) => grade), [2])
    await forget()
    await page.context().close()
  })
}
