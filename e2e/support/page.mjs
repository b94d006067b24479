// A browser page that is watched while it is used: what it complains about, what moves, and what axe finds.
// With MERCER_SHOTS=FOLDER a picture of every page that was looked at stays in that folder.

import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { until } from './until.mjs'

export { until }

export const DEVICES = {
  desktop: { viewport: { width: 1280, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
}

/** 0.1 counts as good on the web. We want what nobody notices. */
const MOST_SHIFT = 0.02
const SHOTS = process.env.MERCER_SHOTS
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** A page in a context of its own. `complaints` grows with everything that went wrong in it. */
export async function openPage(browser, { device = 'desktop', ...options } = {}) {
  const context = await browser.newContext({ ...DEVICES[device], locale: 'en-GB', ...options })
  // Far more than a page needs: a busy machine is no fault.
  context.setDefaultTimeout(30_000)
  await context.addInitScript(watchShifts)
  const page = await context.newPage()
  return watch(page)
}

/** Collects what a page complains about. Also for further pages of a context. */
export function watch(page) {
  const complaints = []
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`))
  page.on('console', (message) => {
    // Chromium tells of refused documents and failed loads here too; those are judged by their status below.
    const isAboutStatus = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !isAboutStatus) complaints.push(`console: ${message.text()}`)
  })
  page.on('requestfailed', (request) => {
    // What a page was still asking for when it went away is no failure.
    const reason = request.failure()?.errorText
    if (reason !== 'net::ERR_ABORTED') complaints.push(`failed: ${request.url()} ${reason}`)
  })
  page.on('response', (response) => {
    const isDocument = response.request().isNavigationRequest()
    if (response.status() >= 400 && !isDocument) complaints.push(`${response.status()}: ${response.url()}`)
  })
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  return Object.assign(page, { complaints, device: page.viewportSize().width < 600 ? 'phone' : 'desktop' })
}

/**
 * Looks at a page as it stands, in light and in dark: nothing moved, nothing sticks out, nothing complained, axe is
 * content. Gives back how much moved.
 */
export async function look(page, name, { status = 200, t } = {}) {
  const response = await page.evaluate(() => performance.getEntriesByType('navigation')[0]?.responseStatus)
  assert.equal(response, status, `${name}: status`)
  await scrollThrough(page)
  const { shift, moved } = await page.evaluate(() => window.shifts)
  assert.ok(shift <= MOST_SHIFT, `${name}: layout shift of ${shift.toFixed(4)} by ${JSON.stringify(moved)}`)
  await nothingSticksOut(page, name)
  await picture(page, `${name}-light`)
  await axeIsContent(page, name)
  // Colours are the same on every device.
  if (page.device === 'desktop' || SHOTS) {
    await page.emulateMedia({ colorScheme: 'dark' })
    await picture(page, `${name}-dark`)
    await axeIsContent(page, `${name} in the dark`, ['color-contrast', 'link-in-text-block'])
    await page.emulateMedia({ colorScheme: 'light' })
  }
  assert.deepEqual(page.complaints, [], `${name}: complaints`)
  t?.diagnostic(`${name}, ${page.device}: layout shift ${shift.toFixed(4)}, axe 0`)
  return shift
}

export async function axeIsContent(page, name, rules) {
  await page.evaluate(AXE)
  const options = { resultTypes: ['violations'], ...(rules && { runOnly: { type: 'rule', values: rules } }) }
  const { violations } = await page.evaluate((options) => globalThis.axe.run(document, options), options)
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.slice(0, 4).map(({ html, failureSummary }) => `${id} (${help})\n  ${html.slice(0, 200)}\n  ${failureSummary}`))
  assert.equal(found.length, 0, `${name}: axe found\n${found.join('\n')}`)
}

/** The page is no wider than the window. Boxes that scroll by themselves may hold more. */
export async function nothingSticksOut(page, name) {
  const { width } = page.viewportSize()
  const wide = await page.evaluate((width) => {
    const root = document.documentElement
    if (root.scrollWidth <= width) return null
    const boxes = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > width + 1)
    return `${root.scrollWidth} px: ${boxes.slice(0, 5).map((box) => box.outerHTML.slice(0, 120)).join('\n')}`
  }, width)
  assert.equal(wide, null, `${name}: wider than the window`)
}

export async function picture(page, name) {
  if (!SHOTS) return
  await mkdir(SHOTS, { recursive: true })
  const file = `${page.device}-${name}`.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()
  await page.screenshot({ path: join(SHOTS, `${file}.png`), fullPage: true })
}

/** Down the page as a reader scrolls, until everything on the way has loaded; then a moment in which nothing may move. */
export async function scrollThrough(page) {
  await page.waitForLoadState('load')
  await page.evaluate(async () => {
    const frames = async (count) => { for (let left = count; left > 0; left -= 1) await new Promise(requestAnimationFrame) }
    const isInView = (image) => {
      const { top, bottom, left, right } = image.getBoundingClientRect()
      return bottom > 0 && top < innerHeight && right > 0 && left < innerWidth
    }
    const loaded = () => Promise.all([...document.images].filter(isInView).map((image) => image.decode().catch(() => {})))
    for (let last = -1; last !== scrollY;) {
      last = scrollY
      scrollBy({ top: innerHeight / 2, behavior: 'instant' })
      await frames(3)
      await loaded()
    }
    await frames(12)
    scrollTo({ top: 0, behavior: 'instant' })
    await frames(2)
  })
}

/** Runs in the page, before its own scripts. */
function watchShifts() {
  window.shifts = { shift: 0, moved: [] }
  new PerformanceObserver((list) => {
    for (const { hadRecentInput, value, sources } of list.getEntries()) {
      if (hadRecentInput) continue
      window.shifts.shift += value
      window.shifts.moved.push(...(sources ?? []).map(({ node }) => node?.outerHTML?.slice(0, 80) ?? node?.nodeName))
    }
  }).observe({ type: 'layout-shift', buffered: true })
}

// ---- Keyboard --------------------------------------------------------------------------------------------------

/** Presses Tab until the element has the focus; every stop on the way must show that it has it. */
export async function tabTo(page, target, most = 80) {
  for (let presses = 0; presses < most; presses += 1) {
    await page.keyboard.press('Tab')
    const stop = await page.evaluate(focused)
    assert.ok(stop.isShown, `the focus cannot be seen on ${stop.html}`)
    if (await target.evaluate((element) => element === document.activeElement)) return
  }
  assert.fail(`${target} was not reached with ${most} presses of Tab`)
}

/** Runs in the page: what has the focus, and can one see that? */
function focused() {
  const element = document.activeElement
  if (!element || element === document.body) return { html: 'the page', isShown: true }
  const { outlineStyle, outlineWidth } = getComputedStyle(element)
  const { top, bottom, left, right } = element.getBoundingClientRect()
  const isInView = bottom > 0 && top < innerHeight && right > 0 && left < innerWidth
  const hasOutline = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2
  return { html: `${element.outerHTML.slice(0, 160)} ${outlineStyle} ${outlineWidth} ${isInView}`, isShown: hasOutline && isInView }
}

// ---- Waiting ---------------------------------------------------------------------------------------------------

/** Waits until an element holds a text. */
export async function expectText(locator, text) {
  const holds = (found) => (text instanceof RegExp ? text.test(found) : found?.includes(text))
  await until(`the text “${text}”`, () => locator.textContent(), holds)
}
