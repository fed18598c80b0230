10 REM PURCHASE: a purse, the payer, pays a merchant SAM, the payee
20 INPUT AMOUNT, CURRENCY, TIME, MONTH, PIN
30 GOSUB SELECT.PAYEE
40 GOSUB SELECT.PAYER
50 IF PAYER.LIFE.CYCLE = BLANK OR PAYER.ROLE <> PURSE THEN STOP "refused: the payer is no purse, nothing has moved"
60 IF PAYEE.LIFE.CYCLE = BLANK OR PAYEE.ROLE <> MERCHANT THEN STOP "refused: the payee is no merchant SAM, nothing has moved"
70 REM A card has no clock: the terminal looks at its last month
80 IF PAYER.EXPIRY < MONTH OR PAYEE.EXPIRY < MONTH THEN STOP "refused: a card has expired, nothing has moved"
90 IF LENGTH(PIN) <> 0 THEN GOSUB ENTER.PIN
100 LET KIND = PURCHASE
110 LET KVN = PAYER.KVN
120 LET FROM = PAYER.NUMBER
130 LET FROM.SEQUENCE = PAYER.SEQUENCE
140 GOSUB ASK
150 GOSUB HAND.OVER
160 REM The merchant has the money; a purse that has left hears of it at the next recovery
170 TRANSMIT PAYER, ACKNOWLEDGE, DATA = PD.FROM.SEQUENCE & ACK
180 IF SW = X"9000" THEN STOP "done"
190 STOP "done: the payer does not know it yet, recover"
