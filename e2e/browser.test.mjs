// The real browser on one real demo: storefront, console, and the SDK on a page of another origin.
// The suites stand in browser/; here is only what they share.

import { after, before, describe } from 'node:test'
import { openBrowser } from './support/browser.mjs'
import { folder, startDemo } from './support/server.mjs'
import { consoleLooks } from './browser/console-looks.mjs'
import { consoleWorks } from './browser/console-works.mjs'
import { firstStart } from './browser/first-start.mjs'
import { hostileText } from './browser/hostile-text.mjs'
import { models } from './browser/models.mjs'
import { search } from './browser/search.mjs'
import { searchDesk } from './browser/search-desk.mjs'
import { slots } from './browser/slots.mjs'
import { storefrontLooks } from './browser/storefront-looks.mjs'
import { storefrontSearch } from './browser/storefront-search.mjs'
import { storefrontWorks } from './browser/storefront-works.mjs'

/** Filled before the first test. */
const world = {}
let data
before(async () => {
  data = await folder()
  world.data = data.path
  world.server = await startDemo(data.path)
  world.browser = await openBrowser()
})
after(async () => {
  await world.browser?.close()
  await world.server?.stop()
  await data?.drop()
})

describe('storefront: how it looks', () => storefrontLooks(world))
describe('storefront: how it works', () => storefrontWorks(world))
describe('storefront: search', () => storefrontSearch(world))
describe('slots on a page of another origin', () => slots(world))
describe('search on a page of another origin', () => search(world))
describe('console: how it looks', () => consoleLooks(world))
describe('console: how it works', () => consoleWorks(world))
describe('console: search', () => searchDesk(world))
describe('hostile text', () => hostileText(world))
describe('the first start', () => firstStart(world))
// Last: it leaves a lake that cannot be read.
describe('console: models', () => models(world))
