/**
 * The shapes that the SDK takes and gives, for editors and the type checker.
 *
 * Invariant: nothing here runs; no module imports this file at run time.
 * The shapes of `POST /v1/decide`, `/v1/search` and `/v1/suggest` follow the server's OpenAPI document, which has
 * the last word.
 */

export {};

/**
 * @typedef {object} MercerOptions
 * @property {string} [host] Where Mercer answers: `https://mercer.shop.example`. Default: the page's own origin.
 * @property {string} key A key with the scope `write`.
 * @property {string} [decideKey] A key with the scope `decide`. Default: `key`.
 * @property {'granted' | 'denied' | 'pending'} [consent] What the page knows of the visitor's choice. Left out:
 *   what `consent.set` remembered, else `pending`.
 * @property {boolean} [cookie] Also keep the anonymous id in a first-party cookie, for server-rendered pages.
 * @property {() => string | null | undefined} [anonymousId] The id of another tracker on the page, to be one person with it.
 * @property {string} [prefix] Start of every key in the browser's storage. Default `mercer`. Two clients on one
 *   page need two prefixes.
 * @property {number} [flushAt] Send as soon as so many events wait. Default 20.
 * @property {number} [flushAfterMs] Send at the latest after so long. Default 2000.
 * @property {number} [maxQueueEvents] Events kept while the server cannot be reached. Default 500.
 * @property {number} [maxQueueBytes] Bytes kept while the server cannot be reached. Default 524288.
 * @property {number} [decideTimeoutMs] How long `decide`, `search` and `suggest` wait. Default 800.
 * @property {Surroundings} [surroundings] Replaces the browser, for tests.
 */

/**
 * Everything outside the SDK that it touches.
 * @typedef {object} Surroundings
 * @property {(url: string, init: RequestInit) => Promise<Response>} fetch
 * @property {(url: string, body: string) => boolean} beacon
 * @property {Storage | null} storage
 * @property {() => string} cookies
 * @property {(cookie: string) => void} setCookie
 * @property {LockManager | null} locks
 * @property {() => number} now Milliseconds since 1970.
 * @property {() => number} random At least 0, less than 1.
 * @property {() => string} uuid
 * @property {(work: () => void, delayMs: number) => () => void} later Answers how to call it off.
 * @property {(type: string, listener: (event: Event) => void) => () => void} listen On the window; answers how to stop.
 * @property {() => boolean} hidden The page is not visible.
 * @property {() => boolean} online
 * @property {() => boolean} gpc Global Privacy Control is on.
 * @property {() => PageFacts} page
 */

/**
 * @typedef {object} PageFacts
 * @property {string} [url] Without its fragment.
 * @property {string} [path]
 * @property {string} [search]
 * @property {string} [referrer]
 * @property {string} [title]
 * @property {string} [locale]
 * @property {boolean} [secure] Served over https.
 */

/** @typedef {Record<string, unknown>} Properties */

/**
 * One event in Segment's shape.
 * @typedef {object} WireEvent
 * @property {'track' | 'page' | 'identify' | 'alias'} type
 * @property {string} messageId
 * @property {string} timestamp
 * @property {string} originalTimestamp
 * @property {string} [anonymousId]
 * @property {string} [userId]
 * @property {string} [previousId]
 * @property {string} [event]
 * @property {string} [name]
 * @property {Properties} [properties]
 * @property {Properties} [traits]
 * @property {Properties} context
 */

/**
 * @typedef {object} ConsentChoice
 * @property {boolean} personalization May behaviour shape what this visitor sees?
 * @property {boolean} analytics May behaviour be recorded?
 */

/** @typedef {ConsentChoice & { state: 'granted' | 'denied' | 'pending', gpc: boolean }} ConsentState */

/**
 * @typedef {object} Rejected
 * @property {WireEvent} event
 * @property {string} code Stable: `missing_field`, `too_large`, `http_400`, ...
 * @property {string} [field] Path of the field at fault.
 * @property {string} message What is wrong, for a person.
 */

/**
 * What `on` can listen to.
 * @typedef {object} Occasions
 * @property {{ events: number }} sent The server has answered for so many events.
 * @property {Rejected} rejected An event was refused, and is gone.
 * @property {{ event: WireEvent }} dropped The queue was full, and this event had to go.
 * @property {{ code: string, status?: number, message: string }} error Events stay queued, but something needs a person.
 * @property {PageDecision} decision
 * @property {ConsentState} consent
 */

/**
 * @typedef {object} DecidePage
 * @property {'home' | 'category' | 'product' | 'cart' | 'checkout' | 'search' | 'other'} [type]
 * @property {string[]} [product_ids] The product of a product page, the contents of a cart.
 * @property {string} [category]
 * @property {string} [query]
 * @property {string} [locale]
 */

/**
 * Slots are named by `placements`, by `group`, or by the `next` of an earlier answer.
 * @typedef {object} DecideRequest
 * @property {DecidePage} [page]
 * @property {string[]} [placements]
 * @property {string} [group]
 * @property {string[]} [fields] Product fields to return; left out: all.
 * @property {string} [next]
 * @property {boolean} [dry_run]
 * @property {string} [view_as]
 * @property {'none' | 'reasons' | 'full'} [explain]
 * @property {boolean} [no_personalization]
 */

/**
 * @typedef {object} DecideOptions
 * @property {number} [timeoutMs]
 * @property {AbortSignal} [signal]
 */

/**
 * @typedef {object} PageDecision
 * @property {string} decision_id
 * @property {number} position
 * @property {string} decided_at
 * @property {PlacementDecision[]} placements
 * @property {string[]} [notes]
 */

/**
 * @typedef {object} PlacementDecision
 * @property {string} decision_id
 * @property {string} placement
 * @property {string} title
 * @property {DecidedItem[]} items
 * @property {string} [next]
 * @property {boolean} [control]
 * @property {{ product_id: string, because: string, detail?: string }[]} [suppressed]
 */

/**
 * @typedef {object} DecidedItem
 * @property {string} product_id
 * @property {Properties} [product]
 * @property {number} score
 * @property {number} propensity
 * @property {string} [source]
 * @property {Reason[]} [reasons]
 */

/** @typedef {{ code: string, text: string, because_of?: string }} Reason */

/** @typedef {'relevance' | 'popular' | 'newest' | 'price_up' | 'price_down'} SearchSort */

/** @typedef {{ field: string, values: string[] }} Refinement Any of these values of the field. */

/**
 * A search, or with no words a walk through a category.
 * @typedef {object} SearchRequest
 * @property {string} [q]
 * @property {string} [category] The name of any level, or the path as `Home > Kitchen`.
 * @property {string} [filter] A rule (CEL) that must hold for each product.
 * @property {Refinement[]} [refine] Values that were chosen from facets.
 * @property {string[]} [ignore] Ids of chips that were taken away.
 * @property {SearchSort} [sort]
 * @property {number} [limit] Products a page, 1 to 200. Default 24.
 * @property {string} [cursor] The `next` of an earlier answer to the same question.
 * @property {number} [facets] Default 8.
 * @property {string[]} [fields] Product fields to return; left out: all.
 * @property {boolean} [ungrouped]
 * @property {boolean} [typing]
 * @property {number} [strength]
 * @property {string} [locale]
 * @property {'none' | 'reasons' | 'full'} [explain]
 * @property {boolean} [dry_run]
 * @property {string} [view_as]
 * @property {boolean} [no_personalization]
 */

/**
 * @typedef {object} SearchAnswer
 * @property {string} decision_id
 * @property {Understood} query
 * @property {number} total
 * @property {DecidedItem[]} items
 * @property {Facet[]} [facets]
 * @property {string} [next] Send it as `cursor` for the following products.
 * @property {WayOn[]} [ways_on]
 * @property {string} [redirect] Where the shop wants customers to go who search for this.
 * @property {{ rule: string, text: string, url?: string }[]} [banners] What the shop says above the products.
 * @property {string[]} [notes]
 */

/**
 * @typedef {object} Understood
 * @property {string} text
 * @property {string} [corrected]
 * @property {Chip[]} [chips]
 * @property {string[]} [dropped]
 * @property {string[]} [unwanted]
 * @property {number} [by_meaning] Products, the last ones, that are only near to what the words mean.
 * @property {boolean} [is_code]
 */

/** @typedef {{ id: string, field: string, label: string, from: string, is_filter: boolean }} Chip */
/** @typedef {{ field: string, name: string, why: string, values: FacetValue[] }} Facet */
/** @typedef {{ value: string, label: string, count: number, is_chosen?: boolean }} FacetValue */

/**
 * @typedef {object} WayOn
 * @property {'without_filters' | 'fewer_words' | 'category'} kind
 * @property {string} text
 * @property {string} [q]
 * @property {string} [category]
 * @property {number} total
 */

/**
 * @typedef {object} SuggestRequest
 * @property {string} [q] Left out or empty: what to offer before the first letter.
 * @property {number} [queries] Default 6.
 * @property {number} [places] Categories and brands, each. Default 3.
 * @property {number} [products] Default 4.
 * @property {string[]} [fields]
 * @property {string} [locale]
 * @property {boolean} [no_personalization]
 */

/**
 * @typedef {object} SuggestAnswer
 * @property {{ text: string, why?: 'recent' | 'popular' | 'catalog' }[]} queries
 * @property {SuggestedPlace[]} categories
 * @property {SuggestedPlace[]} brands
 * @property {DecidedItem[]} items
 * @property {string} [redirect] Where the shop wants customers to go who search for just this.
 */

/** @typedef {{ value: string, label: string, products: number, url?: string }} SuggestedPlace `url`: `?category=…` or `?refine.brand=…`. */

/**
 * @typedef {object} Mercer
 * @property {(name: string, properties?: Properties) => void} track
 * @property {(name?: string, properties?: Properties) => void} page
 * @property {(userId: string | null | undefined, traits?: Properties) => void} identify
 * @property {(userId: string, previousId?: string) => void} alias
 * @property {() => void} reset Forget who this is: call it on sign-out.
 * @property {(request: DecideRequest, options?: DecideOptions) => Promise<PageDecision>} decide
 * @property {(request: SearchRequest, options?: DecideOptions) => Promise<SearchAnswer>} search
 * @property {(request: SuggestRequest, options?: DecideOptions) => Promise<SuggestAnswer>} suggest
 * @property {{ set(choice: Partial<ConsentChoice>): void, get(): ConsentState }} consent
 * @property {() => string | null} anonymousId Null where nothing may be kept about the visitor.
 * @property {() => Promise<void>} flush Sends what waits; settles when the attempt is over.
 * @property {<Name extends keyof Occasions>(name: Name, listener: (detail: Occasions[Name]) => void) => () => void} on
 *   Answers how to stop listening.
 * @property {() => void} close Stops timers and listeners. What waits stays stored.
 */
