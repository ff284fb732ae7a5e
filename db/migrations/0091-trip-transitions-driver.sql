-- Who drives, beside how the trip stands: of a step back to pending, who gave the trip up and is not asked for it again.
ALTER TABLE trip_transitions
  ADD COLUMN driver_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of a step back to pending: who gave it up'
