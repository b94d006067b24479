// What a shopkeeper does in the console, in steps that several suites share.

import { expectText, openPage } from '../support/page.mjs'

/** A page of the console, signed in. Signing in is slow on purpose, so a session is used again. */
export async function openConsole(world, options = {}) {
  const page = await openPage(world.browser, { baseURL: world.server.url, storageState: world.session, ...options })
  if (!world.session) {
    await page.goto('/console/sign-in')
    await signIn(page)
    world.session = await page.context().storageState()
  }
  return page
}

export async function signIn(page, password = 'demo-demo-demo') {
  await page.getByLabel('Name').fill('demo')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Waits for what the page says happened. */
export async function expectNotice(page, text) {
  await expectText(page.locator('.notice'), text)
}
