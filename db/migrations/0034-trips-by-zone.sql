-- The trips that wait in a zone.
ALTER TABLE trip_requests ADD KEY trips_by_zone_and_status (zone_id, current_status)
