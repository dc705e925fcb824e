-- +goose Up
CREATE TABLE second (id integer);
CREATE TABLE second (id integer);
