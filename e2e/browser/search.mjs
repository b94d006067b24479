// The search elements as a shop uses them: on pages of another origin, with what Mercer finds.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { servePages } from '../support/browser.mjs'
import { axeIsContent, expectText, look, nothingSticksOut, openPage, until } from '../support/page.mjs'
import { call } from '../support/server.mjs'

const RULES = [
  { id: 'e2e-banner', name: 'Lanterns', when: { is: ['lantern'] }, then: [{ do: 'banner', text: 'Lanterns <b>glow</b> here', url: '/c?name=lanterns' }] },
  { id: 'e2e-redirect', name: 'Parcels', when: { is: ['where is my parcel'] }, then: [{ do: 'redirect', url: '/c?name=help' }] },
  { id: 'e2e-preset', name: 'Red bags', when: { is: ['gift bag'] }, then: [{ do: 'preset', field: 'colour', values: ['Red'] }] },
]

export function search(world) {
  let site
  before(async () => {
    const { url } = world.server
    site = await servePages({
      '/': page(url, '<p>Welcome.</p>'),
      '/search': page(url, '<mercer-search-results></mercer-search-results>'),
      '/ar': page(url, '<mercer-search-results></mercer-search-results>', 'lang="ar" dir="rtl"'),
      '/c': page(url, '<p>A category.</p>'),
    })
  })
  after(async () => {
    await site?.stop()
    for (const { id } of RULES) await call(world.server, 'DELETE', `/v1/search/rules/${id}`)
  })
  const rules = async () => {
    for (const rule of RULES) await call(world.server, 'PUT', `/v1/search/rules/${rule.id}`, { body: rule })
  }

  const visit = async (path, options = {}, prepare = () => {}) => {
    const page = await openPage(world.browser, { baseURL: site.url, ...options })
    page.sent = []
    page.asked = []
    page.on('request', (request) => {
      if (request.method() !== 'POST') return
      if (request.url().includes('/v1/batch')) page.sent.push(...JSON.parse(request.postData()).batch)
      if (request.url().endsWith('/v1/search')) page.asked.push(request.postDataJSON())
    })
    // The demo's pictures have addresses in the shop; here they are lent to the page.
    await page.route(`${site.url}/shop/tile/*`, async (route) => {
      const response = await fetch(world.server.url + new URL(route.request().url()).pathname)
      await route.fulfill({ status: response.status, contentType: 'image/svg+xml', body: await response.text() })
    })
    // Products have addresses of their own.
    await page.route(`${site.url}/p/*`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>A product</title><h1>A product</h1>' }))
    await prepare(page)
    await page.goto(path)
    return page
  }
  const input = (page) => page.locator('mercer-search-box input')
  const options = (page) => page.locator('[role=option]:visible')
  const ready = (page) => page.locator('mercer-search-box [role=combobox]').waitFor()
  const answered = (page) => page.locator('mercer-search-results[state=answered]:not([aria-busy])').waitFor()
  const products = (page) => page.locator('[data-mercer-product]').evaluateAll((tiles) => tiles.map((tile) => tile.dataset.mercerProduct))
  const box = (page, group, label) => page.getByRole('group', { name: group, exact: true }).getByRole('checkbox', { name: label })

  for (const device of ['desktop', 'phone']) {
    test(`results are there and nothing moves, on a ${device}`, async (t) => {
      const page = await visit('/search?q=red+mug+under+10', { device })
      await answered(page)
      assert.equal((await products(page)).length, 24)
      await expectText(page.locator('.mercer-total'), 'for “red mug under 10”')
      await look(page, 'search', { t })
      if (device === 'phone') {
        await page.locator('.mercer-filters-name').click()
        await axeIsContent(page, 'open filters')
        await nothingSticksOut(page, 'open filters')
        await page.getByRole('button', { name: /^Show \d+ products$/ }).click()
        assert.equal(await box(page, 'Colour', 'Red').isVisible(), false)
      }
      await page.context().close()
    })

    test(`suggestions open over the page and move nothing, on a ${device}`, async () => {
      const page = await visit('/', { device })
      await ready(page)
      await input(page).click()
      await input(page).pressSequentially('christ')
      await options(page).first().waitFor()
      await axeIsContent(page, 'suggestions')
      await nothingSticksOut(page, 'suggestions')
      assert.equal(await page.evaluate(() => window.shifts.shift), 0)
      await page.keyboard.press('ArrowDown')
      const active = await input(page).getAttribute('aria-activedescendant')
      assert.equal(await page.locator(`[id="${active}"]`).getAttribute('aria-selected'), 'true')
      await options(page).filter({ hasText: 'Christmas Decorations' }).first().click()
      await page.waitForURL(({ searchParams }) => searchParams.get('name') === 'Christmas > Christmas Decorations')
      await page.context().close()
    })
  }

  test('words that are typed and sent lead to results', async () => {
    const page = await visit('/')
    await ready(page)
    await input(page).fill('wooden hart')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/search?q=wooden+hart')
    await answered(page)
    await expectText(page.locator('.mercer-corrected'), 'Showing results for “wooden heart”')
    assert.equal(await input(page).inputValue(), 'wooden hart')
    await page.context().close()
  })

  test('a search is told once, however often Enter is pressed', async () => {
    const page = await visit('/')
    await ready(page)
    await page.evaluate(() => document.addEventListener('submit', (event) => event.preventDefault()))
    await input(page).fill('wooden heart')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await page.evaluate(() => window.mercer.flush())
    const told = await until('the event', () => page.sent.filter(({ event }) => event === 'Products Searched'), (found) => found.length)
    assert.deepEqual(told.map(({ properties }) => properties), [{ query: 'wooden heart' }])
    await page.context().close()
  })

  test('without scripts the form is a form', async () => {
    const page = await visit('/', { javaScriptEnabled: false })
    await input(page).fill('mug')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.waitForURL('**/search?q=mug')
    await page.context().close()
  })

  test('a facet is a step, "back" takes it back, "forward" brings it again', async () => {
    const page = await visit('/search?q=mug')
    await answered(page)
    const all = await products(page)
    await box(page, 'Colour', 'Red').focus()
    await page.keyboard.press('Space')
    await page.waitForURL('**/search?q=mug&refine.colour=Red')
    await answered(page)
    const red = await products(page)
    assert.notDeepEqual(red, all)
    assert.ok(await box(page, 'Colour', 'Red').evaluate((element) => element === document.activeElement), 'the focus stays')
    await page.goBack()
    await until('all of them', () => products(page), (found) => String(found) === String(all))
    assert.equal(await box(page, 'Colour', 'Red').isChecked(), false)
    await page.goForward()
    await until('the red ones', () => products(page), (found) => String(found) === String(red))
    assert.equal(page.asked.length, 2, 'what was there is not asked for again')
    await page.getByRole('link', { name: 'Remove Red' }).click()
    await page.waitForURL('**/search?q=mug')
    await page.context().close()
  })

  test('who looked at a product stands where they stood, also where the page was thrown away', async () => {
    const page = await visit('/search?q=mug')
    await answered(page)
    for (const count of [48, 72]) {
      await page.getByRole('link', { name: 'Show more' }).click()
      await until(`${count} products`, async () => (await products(page)).length, (found) => found === count)
    }
    assert.equal(new URL(page.url()).search, '?q=mug&page=3')
    const tile = page.locator('[data-mercer-product]').nth(60)
    const product = await tile.getAttribute('data-mercer-product')
    await tile.scrollIntoViewIfNeeded()
    const place = await page.evaluate(() => scrollY)
    await tile.locator('a').click()
    await page.waitForURL('**/p/*')
    await page.goBack()
    await answered(page)
    await until('the place', () => page.evaluate(() => scrollY), (found) => Math.abs(found - place) < 40)
    assert.ok((await products(page)).includes(product))
    await page.context().close()
  })

  test('what was seen and clicked is told with the decision', async () => {
    const page = await visit('/search?q=mug')
    await answered(page)
    const seen = await until('an impression', () => page.sent.find(({ event }) => event === 'Recommendation Viewed'))
    assert.ok(seen.properties.product_ids.length >= 4 && seen.properties.decision_id)
    await page.evaluate(() => document.addEventListener('click', (event) => event.preventDefault()))
    await page.locator('[data-mercer-product] a').nth(1).click()
    await page.evaluate(() => window.mercer.flush())
    const clicked = await until('the click', () => page.sent.find(({ event }) => event === 'Recommendation Clicked'))
    assert.deepEqual([clicked.properties.decision_id, clicked.properties.position], [seen.properties.decision_id, 2])
    await page.context().close()
  })

  test('a server that is down is said, and asked again', async () => {
    let isDown = true
    const page = await visit('/search?q=mug', {}, (page) => page.route('**/v1/search', (route) => (isDown ? route.abort('connectionrefused') : route.continue())))
    await page.locator('mercer-search-results[state=failed]').waitFor()
    await axeIsContent(page, 'a failed search')
    isDown = false
    await page.getByRole('button', { name: 'Try again' }).click()
    await answered(page)
    assert.deepEqual(page.complaints.filter((text) => text.startsWith('uncaught')), [])
    await page.context().close()
  })

  test('a slow answer has a skeleton, and nothing moves when it comes', async () => {
    const page = await visit('/search?q=mug', {}, (page) => page.route('**/v1/search', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 1_200))
      await route.continue()
    }))
    await page.locator('.mercer-skeletons').waitFor()
    await answered(page)
    await page.waitForTimeout(300)
    assert.equal(await page.evaluate(() => window.shifts.shift), 0)
    await page.context().close()
  })

  test('from right to left, on the smallest of windows, nothing sticks out', async () => {
    for (const path of ['/ar?q=red+mug+under+10', `/search?q=${'mug'.repeat(60)}`]) {
      const page = await visit(path, { viewport: { width: 320, height: 640 } })
      await answered(page)
      await nothingSticksOut(page, path)
      await page.context().close()
    }
  })

  test('what the shop says stands above the products', async () => {
    await rules()
    const page = await visit('/search?q=lantern')
    await answered(page)
    const banner = page.locator('.mercer-banner')
    await expectText(banner, 'Lanterns <b>glow</b> here')
    assert.equal(await banner.locator('a').getAttribute('href'), `${site.url}/c?name=lanterns`)
    const [above, below] = await Promise.all([banner.boundingBox(), page.locator('.mercer-main').boundingBox()])
    assert.ok(above.y + above.height <= below.y)
    await axeIsContent(page, 'a banner')
    await page.context().close()
  })

  test('a search that the shop sends elsewhere is no step to come back to', async () => {
    await rules()
    const page = await visit('/')
    await page.goto('/search?q=where+is+my+parcel')
    await page.waitForURL('**/c?name=help')
    await page.goBack()
    assert.equal(new URL(page.url()).pathname, '/', 'the page before the search')
    await ready(page)
    await input(page).click()
    await input(page).pressSequentially('where is my parcel')
    await page.waitForResponse((response) => response.url().endsWith('/v1/suggest') && response.request().postDataJSON().q === 'where is my parcel')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/c?name=help')
    await page.goBack()
    assert.equal(new URL(page.url()).pathname, '/')
    assert.deepEqual(page.asked.length <= 1, true, 'the box went there without a search')
    await page.context().close()
  })

  test('an address that would run is not gone to', async () => {
    const fake = { decision_id: 'd', query: { text: 'x' }, total: 0, items: [], banners: [{ rule: 'r', text: 'Run', url: 'javascript:window.hacked=1' }], redirect: 'javascript:window.hacked=1' }
    const page = await visit('/search?q=x', {}, (page) => page.route('**/v1/search', (route) => route.fulfill({ json: fake, headers: { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' } })))
    await answered(page)
    assert.equal(await page.locator('.mercer-banner a').count(), 0)
    assert.equal(await page.evaluate(() => window.hacked), undefined)
    await page.context().close()
  })

  test('what the shop chose beforehand is chosen, and can be taken away', async () => {
    await rules()
    const page = await visit('/search?q=gift+bag')
    await answered(page)
    assert.ok(await box(page, 'Colour', 'Red').isChecked())
    await page.getByRole('link', { name: 'Remove Red' }).click()
    await page.waitForURL('**ignore=preset%3Acolour')
    await answered(page)
    assert.equal(await page.locator('.mercer-chip').count(), 0)
    await page.goBack()
    await page.locator('.mercer-chip').first().waitFor()
    await page.context().close()
  })

  test('words can be meant as they were typed, and a minus leaves out', async () => {
    const page = await visit('/search?q=wooden+hart')
    await answered(page)
    await page.getByRole('link', { name: 'Search for “wooden hart” instead' }).click()
    await page.waitForURL('**&ignore=corrected')
    await expectText(page.locator('.mercer-total'), '“wooden hart”')
    assert.equal(await page.locator('.mercer-corrected').count(), 0)
    await page.goto('/search?q=mug+-red')
    await answered(page)
    await expectText(page.locator('.mercer-unwanted'), 'Without “red”')
    const titles = await page.locator('.mercer-found .mercer-title').allTextContents()
    assert.ok(titles.length && titles.every((title) => !/\bred\b/i.test(title)), titles.join(', '))
    await page.context().close()
  })

  test('before the first letter there are products, and why', async () => {
    const page = await visit('/')
    await ready(page)
    await input(page).click()
    const first = page.locator('.mercer-option-product').first()
    await first.waitFor()
    await expectText(first.locator('.mercer-option-note'), 'Popular now')
    await axeIsContent(page, 'suggestions before the first letter')
    await nothingSticksOut(page, 'suggestions before the first letter')
    await page.context().close()
  })

  /** A shop's page with Mercer's one script tag. */
  function page(mercer, content, attributes = 'lang="en"') {
    return `<!doctype html><html ${attributes}><head><meta charset="utf-8"><title>Another shop</title>
      <meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
      <link rel="stylesheet" href="${mercer}/sdk/mercer.css"><link rel="stylesheet" href="${mercer}/sdk/search.css">
      <style>:root { color-scheme: light dark } body { margin: 1rem; background: Canvas; font: 1rem/1.5 sans-serif } input { inline-size: 60% }</style>
      <script type="module" src="${mercer}/sdk/start.js?key=demo-write&amp;decide_key=demo-decide&amp;consent=granted"></script>
      </head><body><header><mercer-search-box category-href="/c?name={value}"><form action="/search" role="search">
      <input type="search" name="q" aria-label="Search the shop"> <button>Search</button></form></mercer-search-box></header>
      <main><h1>Another shop</h1>${content}</main><footer>What follows.</footer></body></html>`
  }
}
