CREATE TABLE orders (id int PRIMARY KEY, region text NOT NULL, amount int NOT NULL);
INSERT INTO orders VALUES (1, 'eu', 40), (2, 'eu', 2), (3, 'us', 7), (4, 'asia', 11);
