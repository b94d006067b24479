"""Drives a stock Python tracker: trackers.py {segment|analytics} HOST KEY CUSTOMER PRODUCT."""

import sys

library, host, key, customer, product = sys.argv[1:6]
if library == "segment":
    import segment.analytics as analytics
else:
    import analytics

failures = []
analytics.write_key = key
analytics.host = host
analytics.on_error = lambda error, batch: failures.append(str(error))
analytics.gzip = library == "segment"
analytics.identify(customer, {"email": f"{customer}@shop.example"})
analytics.track(customer, "Product Viewed", {"product_id": product, "price": 2.5, "currency": "GBP"})
analytics.flush()
analytics.shutdown()
if failures:
    sys.exit("; ".join(failures))
