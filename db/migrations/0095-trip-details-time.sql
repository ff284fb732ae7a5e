-- The newest trips first, for whoever lists them.
ALTER TABLE trip_details ADD KEY details_by_time (created_at)
