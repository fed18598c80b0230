10 REM HAND.OVER: DEBIT and CREDIT. A payee that refuses declines, and the payer takes its value back at once
20 GOSUB PAY
30 GOSUB TAKE
40 IF SW = X"9000" THEN RETURN
50 IF SW = X"0000" THEN STOP "in the air: bring both cards and recover"
60 GOSUB REFUSE
70 IF SW <> X"9000" THEN STOP "in the air: bring both cards and recover"
80 GOSUB GIVE.BACK
90 IF SW <> X"9000" THEN STOP "in the air: bring both cards and recover"
100 STOP "refused: the payee does not take it, the payer has its value back"
