-- What a driver was asked, and how many offers he may hold at once: a live one has a slot of his, and ends without. What was offered
-- before has none.
ALTER TABLE trip_offers
  ADD COLUMN live_slot TINYINT UNSIGNED NULL COMMENT '1 or 2 while it is offered, NULL after',
  ADD COLUMN distance_meters INT UNSIGNED NULL COMMENT 'to the pickup',
  ADD COLUMN eta_seconds INT UNSIGNED NULL COMMENT 'to the pickup',
  ADD COLUMN reason VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL COMMENT 'why he rejected it',
  ADD UNIQUE KEY one_offer_a_slot (driver_id, live_slot),
  ADD KEY offers_by_deadline (state, expires_at)
