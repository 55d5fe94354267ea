"""SOQL: grammar, syntax tree, name resolution, compilation to DuckDB SQL, JSON shaping."""
