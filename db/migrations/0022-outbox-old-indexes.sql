-- The indexes of 0020 do their work.
ALTER TABLE outbox
  DROP KEY due,
  DROP KEY ordering
