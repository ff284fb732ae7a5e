-- The trip that a driver is on. The unique key knows rides alone, and this also parcels.
ALTER TABLE trip_requests ADD KEY trips_by_driver_and_status (driver_id, current_status)
