-- A driver's latest payments, as customer_by_date has a rider's.
ALTER TABLE payments ADD KEY driver_by_date (driver_id, created_at)
