"""The chocolate maker: Kwinten Chocolade NV of Gent, with offices in Leipzig, Osaka and Ilhéus.

Its customers, people, products, orders, mails and computers as plain values that know no system.
Each simulator projects them into its tables, so that one customer number finds a customer in all.

- `employees`, `products`, `written` and `it` have what is written out: it is the same at every seed
  and scale.
- `customers`, `people`, `orders`, `cases`, `mails`, `staff` and `tickets` generate facts by the
  column, as many as `sizes` says. A value depends on (seed, table, column, row number) alone (`draws`), and facts refer to
  each other by row number (`world`), so that memory stays bounded by one batch.
- `facts` has the two forms of generated facts: columns for large loads, and one frozen value for
  each row.
"""
