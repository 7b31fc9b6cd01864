-- Authorization has a statement for each kind of scope: see docs/decisions/0011.
DROP VIEW scopes;
