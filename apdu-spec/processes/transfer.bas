10 REM TRANSFER: a purse, the payer, pays another purse, the payee
20 INPUT AMOUNT, CURRENCY, TIME, MONTH, PIN
30 GOSUB SELECT.PAYEE
40 GOSUB SELECT.PAYER
50 IF PAYER.LIFE.CYCLE = BLANK OR PAYER.ROLE <> PURSE THEN STOP "refused: the payer is no purse, nothing has moved"
60 IF PAYEE.LIFE.CYCLE = BLANK OR PAYEE.ROLE <> PURSE THEN STOP "refused: the payee is no purse, nothing has moved"
70 IF PAYER.NUMBER = PAYEE.NUMBER THEN STOP "refused: a purse does not pay itself, nothing has moved"
80 IF PAYER.EXPIRY < MONTH OR PAYEE.EXPIRY < MONTH THEN STOP "refused: a card has expired, nothing has moved"
90 LET FROM = PAYER.NUMBER
100 LET TO = PAYEE.NUMBER
110 GOSUB CERTIFICATES
120 IF SW <> X"9000" THEN STOP "refused: a purse shows no certificate, nothing has moved"
130 REM A certificate has its own last month, in bytes 14 and 15
140 IF NUMBER(PART(PAYEE.PEER, 14, 2)) < MONTH OR NUMBER(PART(PAYER.PEER, 14, 2)) < MONTH THEN STOP "refused: a certificate has expired, nothing has moved"
150 GOSUB INTRODUCE
160 IF SW <> X"9000" THEN STOP "refused: a purse does not take the other one's certificate, nothing has moved"
170 IF LENGTH(PIN) <> 0 THEN GOSUB ENTER.PIN
180 LET KIND = TRANSFER
190 LET KVN = X"00"
200 LET FROM.SEQUENCE = PAYER.SEQUENCE
210 GOSUB ASK
220 GOSUB HAND.OVER
230 REM The payee has the money; a payer that has left hears of it at the next recovery
240 TRANSMIT PAYER, ACKNOWLEDGE, DATA = PD.FROM.SEQUENCE & ACK
250 IF SW = X"9000" THEN STOP "done"
260 STOP "done: the payer does not know it yet, recover"
