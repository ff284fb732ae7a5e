/** The driver's row types, so that stores need not import the driver. */
export type { ResultSetHeader, RowDataPacket } from 'mysql2/promise'
