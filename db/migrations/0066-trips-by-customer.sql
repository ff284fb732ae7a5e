-- The trip that a rider is on, which every connection of his asks for.
ALTER TABLE trip_requests ADD KEY trips_by_customer_and_status (customer_id, current_status)
