"""Lists of records of one table: their query, order, columns, downloads and files."""
