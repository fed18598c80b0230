10 REM MEET: the two purses of an open transfer show each other their certificates
20 LET FROM = PD.FROM
30 LET TO = PD.TO
40 GOSUB CERTIFICATES
50 IF SW = X"9000" THEN GOSUB INTRODUCE
