10 REM LOAD: the issuer pays a purse or a merchant SAM, the payee
20 INPUT ACCOUNT, AMOUNT, CURRENCY, TIME, MONTH, ISSUER.NUMBER
30 GOSUB SELECT.PAYEE
40 IF PAYEE.LIFE.CYCLE = BLANK THEN STOP "refused: the card is blank, nothing has moved"
50 IF PAYEE.EXPIRY < MONTH THEN STOP "refused: the card has expired, nothing has moved"
60 REM A load that is in the air is brought to its end first
70 TRANSMIT ISSUER, UNRESOLVED LOAD, DATA = PAYEE.NUMBER
80 RECEIVE PD, VAL, TAC
90 IF SW = X"6A88" THEN GOTO 140
100 IF SW <> X"9000" THEN STOP "refused: the issuer's books cannot be reached, nothing has moved"
110 GOSUB FINISH.LOAD
120 IF OUTCOME = OPEN THEN STOP "in the air: an earlier load; recover"
140 LET KIND = LOAD
150 LET KVN = PAYEE.KVN
160 LET FROM = ISSUER.NUMBER
170 REM The issuer counts nothing: the sequence of both is the card's
180 LET FROM.SEQUENCE = PAYEE.SEQUENCE
190 GOSUB ASK
200 TRANSMIT ISSUER, LOAD, DATA = PD & REQ & ACCOUNT
210 RECEIVE VAL, TAC
215 IF SW = X"0000" THEN STOP "in the air: the issuer may have paid; recover"
220 IF SW <> X"9000" THEN STOP "refused: the issuer does not pay, nothing has moved"
230 GOSUB CREDIT.LOAD
240 IF OUTCOME = OPEN THEN STOP "in the air: bring the card and recover"
250 IF OUTCOME = REVERSED THEN STOP "refused: the card does not take it, the account has its money back"
260 IF TOLD = 1 THEN STOP "done"
270 STOP "done: the issuer does not know it yet, recover"
