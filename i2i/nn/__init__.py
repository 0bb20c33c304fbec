"""Networks that several translators share."""
