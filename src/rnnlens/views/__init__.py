"""Views of results: tables, charts and the report; they format and never compute."""
