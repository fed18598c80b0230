10 REM SELECT.PAYEE: a session with the payee's card begins
20 TRANSMIT PAYEE, SELECT, P1 = X"04", P2 = X"00", DATA = X"F0505552534501"
30 RECEIVE FCI
40 REM A blocked and a terminated card say so, and are selected all the same
50 IF SW <> X"9000" AND SW <> X"6283" AND SW <> X"6285" THEN STOP "refused: the payee cannot be selected, nothing has moved"
60 GOSUB PAYEE.STATUS
70 LET PAYEE.PEER = X""
